/** What is kept of cases: the first bytes of what each wrote, and all of them together as the job's result. */
import {
  type CaseResult,
  type JudgingSummary,
  type Result,
  resultWithoutRun,
  type TestCase,
  type Verdict,
} from '@runlane/core';
import { firstBytes } from '../first-bytes.js';
import type { Finding } from './verdict.js';

/** Kept of both streams of all cases together, far below what a document of a store may hold, and of one stream of one case. */
const ALL_OUTPUT_BYTES = 2 * 1024 * 1024;
const STREAM_BYTES = 64 * 1024;

/** How much of each stream is kept: the same for every case, so that it does not depend on which ended first. */
export function streamBytesOf(cases: number): number {
  return Math.min(STREAM_BYTES, Math.floor(ALL_OUTPUT_BYTES / (2 * cases)));
}

export function toCaseResult(
  index: number,
  { name }: TestCase,
  ran: Result,
  { verdict, message }: Finding,
  streamBytes: number,
): CaseResult {
  const [stdout, stderr] = [firstBytes(ran.stdout, streamBytes), firstBytes(ran.stderr, streamBytes)];
  return {
    index,
    ...(name !== undefined && { name }),
    verdict,
    exitCode: ran.exitCode,
    signal: ran.signal,
    stdout,
    stderr,
    stdoutTruncated: ran.stdoutTruncated || stdout.length < ran.stdout.length,
    stderrTruncated: ran.stderrTruncated || stderr.length < ran.stderr.length,
    wallTimeMs: ran.wallTimeMs,
    cpuTimeMs: ran.cpuTimeMs,
    memoryPeakBytes: ran.memoryPeakBytes,
    ...(message && { message }),
  };
}

export function skipped(index: number, testCase: TestCase): CaseResult {
  return toCaseResult(index, testCase, resultWithoutRun('cancelled'), { verdict: 'skipped' }, 0);
}

/** All cases as the result of the job. */
export function toJobResult(cases: readonly CaseResult[], isolation: string): Result {
  const summary = summaryOf(cases);
  const first = summary.firstFailure === undefined ? undefined : cases[summary.firstFailure];
  const most = (figure: 'wallTimeMs' | 'cpuTimeMs' | 'memoryPeakBytes') =>
    cases.reduce((found, each) => Math.max(found, each[figure]), 0);
  return resultWithoutRun(summary.verdict === 'accepted' ? 'succeeded' : 'failed', {
    wallTimeMs: most('wallTimeMs'),
    cpuTimeMs: most('cpuTimeMs'),
    memoryPeakBytes: most('memoryPeakBytes'),
    isolation,
    ...(first && { message: messageOf(first) }),
    cases,
    summary,
  });
}

function summaryOf(cases: readonly CaseResult[]): JudgingSummary {
  const count = (...verdicts: Verdict[]) => cases.filter(({ verdict }) => verdicts.includes(verdict)).length;
  const passed = count('accepted');
  const left = count('skipped');
  const first = cases.find(({ verdict }) => verdict !== 'accepted' && verdict !== 'skipped');
  return {
    verdict: first?.verdict ?? (left > 0 ? 'skipped' : 'accepted'),
    total: cases.length,
    passed,
    failed: cases.length - passed - left,
    skipped: left,
    ...(first && { firstFailure: first.index }),
  };
}

function messageOf({ index, name, verdict, message }: CaseResult): string {
  const which = name === undefined ? `cases[${index}]` : `cases[${index}] (${JSON.stringify(name)})`;
  return `${which}: ${verdict}${message ? `: ${message}` : ''}`;
}
