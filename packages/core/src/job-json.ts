/** A job in JSON, as REST gives it everywhere, and callbacks are told it. */
import { isUtf8 } from 'node:buffer';
import type { JobJson } from '@runlane/contract';
import type { JobView, ProducedFile, Result } from './job.js';
import { type CaseResult, toJudgedCase } from './judging.js';

interface EncodedText {
  readonly text: string;
  readonly encoding?: 'base64';
}

/** Bytes as text: itself where it is UTF-8, else base64, and said so. */
export function encodeText(bytes: Uint8Array): EncodedText {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return isUtf8(buffer) ? { text: buffer.toString('utf8') } : { text: buffer.toString('base64'), encoding: 'base64' };
}

export const toTime = (ms: number) => new Date(ms).toISOString();

export function toJobJson(view: JobView): JobJson {
  const { job, status, attempt, result } = view;
  return {
    id: job.id,
    ownerId: job.ownerId,
    ...(job.batchId !== undefined && { batchId: job.batchId }),
    language: job.program.language,
    version: job.program.version,
    status,
    ...toTimes(view),
    attempt,
    ...(job.metadata && { metadata: job.metadata }),
    ...(job.priority && { priority: job.priority }),
    ...(job.notBeforeAtMs !== undefined && { notBefore: toTime(job.notBeforeAtMs) }),
    ...(result && { result: toResultJson(result) }),
  };
}

export function toTimes({ job, startedAtMs, finishedAtMs }: JobView) {
  return {
    createdAt: toTime(job.createdAtMs),
    ...(startedAtMs !== undefined && { startedAt: toTime(startedAtMs) }),
    ...(finishedAtMs !== undefined && { finishedAt: toTime(finishedAtMs) }),
  };
}

/** A page holds many jobs: their output is left out. */
export function toSummaryJson(view: JobView): JobJson {
  const { result: _, ...summary } = toJobJson(view);
  return summary;
}

type ResultJson = NonNullable<JobJson['result']>;

export function toResultJson(result: Result): ResultJson {
  const {
    exitCode,
    signal,
    stdoutTruncated,
    stderrTruncated,
    wallTimeMs,
    cpuTimeMs,
    memoryPeakBytes,
    isolation,
    message,
    compile,
    files,
    filesOmitted,
    cases,
    summary,
    checkerCompile,
  } = result;
  return {
    exitCode,
    signal,
    ...outputOf(result),
    stdoutTruncated,
    stderrTruncated,
    wallTimeMs,
    cpuTimeMs,
    memoryPeakBytes,
    isolation,
    ...(message && { message }),
    ...(compile && { compile: toCompileJson(compile) }),
    ...(files && { files: files.map(toFileJson) }),
    ...(filesOmitted && { filesOmitted }),
    ...(cases && { cases: cases.map(toCaseJson) }),
    ...(summary && { summary }),
    ...(checkerCompile && { checkerCompile: toCompileJson(checkerCompile) }),
  };
}

function outputOf(result: Pick<Result, 'stdout' | 'stderr'>) {
  const stdout = encodeText(result.stdout);
  const stderr = encodeText(result.stderr);
  return {
    stdout: stdout.text,
    stderr: stderr.text,
    ...(stdout.encoding && { stdoutEncoding: stdout.encoding }),
    ...(stderr.encoding && { stderrEncoding: stderr.encoding }),
  };
}

function toCompileJson(compile: NonNullable<Result['compile']>): NonNullable<ResultJson['compile']> {
  return { ...compile, diagnostics: Buffer.from(compile.diagnostics).toString('utf8') };
}

function toCaseJson(result: CaseResult): NonNullable<ResultJson['cases']>[number] {
  const { exitCode, signal, stdoutTruncated, stderrTruncated, message } = result;
  return {
    ...toJudgedCase(result),
    exitCode,
    signal,
    ...outputOf(result),
    stdoutTruncated,
    stderrTruncated,
    ...(message && { message }),
  };
}

function toFileJson({ path, sizeBytes, contentType, sha256 }: ProducedFile): ProducedFile {
  return { path, sizeBytes, contentType, sha256 };
}
