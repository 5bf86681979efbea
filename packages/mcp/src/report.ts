/** What a model is told of a job that has ended. */
import type { Job } from '@runlane/client';
import { bytesInWords, timeInWords } from './amounts.js';
import { outcome } from './outcome.js';
import type { FileReport, Report } from './report-schema.js';
import { shorten } from './shorten.js';

/** Characters: some five thousand tokens for what the program said, half of it for what went wrong. */
export const MOST_STDOUT = 20_000;
export const MOST_STDERR = 10_000;

type Result = NonNullable<Job['result']>;

/** @throws Error where the job has not ended. */
export function toReport({ id, status, result }: Job, files: readonly FileReport[]): Report {
  if (!result) throw new Error(`job ${id} has no result`);
  const { exitCode, signal, compile, wallTimeMs, cpuTimeMs, memoryPeakBytes } = result;
  return {
    jobId: id,
    status,
    summary: outcome(status, result),
    ...(exitCode !== null && { exitCode }),
    ...(signal !== null && { signal }),
    stdout: shorten(textOf(result, 'stdout'), MOST_STDOUT),
    stderr: shorten(textOf(result, 'stderr'), MOST_STDERR),
    ...(compile?.diagnostics && { diagnostics: shorten(compile.diagnostics, MOST_STDERR) }),
    wallTimeMs,
    cpuTimeMs,
    memoryPeakBytes,
    files: [...files],
    notes: notesOn(result),
  };
}

/** What is no UTF-8 is told as U+FFFD: a model reads no base64. */
function textOf(result: Result, stream: 'stdout' | 'stderr'): string {
  const text = result[stream];
  return result[`${stream}Encoding`] === 'base64' ? Buffer.from(text, 'base64').toString('utf8') : text;
}

function notesOn(result: Result): string[] {
  const notes: string[] = [];
  for (const stream of ['stdout', 'stderr'] as const) {
    if (result[`${stream}Truncated`]) notes.push(`${stream} is not all that was written: it reached its limit.`);
    if (result[`${stream}Encoding`]) notes.push(`${stream} is not UTF-8; what is no text is shown as U+FFFD.`);
  }
  if (result.filesOmitted) notes.push(`${result.filesOmitted} more files in out/ were beyond the limits.`);
  return notes;
}

export function inWords(report: Report): string {
  const { summary, stdout, stderr, diagnostics, notes, jobId } = report;
  const silent = stdout === '' && stderr === '' && diagnostics === undefined;
  return [
    `${summary}${used(report)}`,
    ...block('compiler', diagnostics),
    ...block('stdout', stdout),
    ...block('stderr', stderr),
    ...(silent ? ['It wrote nothing to stdout and stderr.'] : []),
    ...fileLines(report),
    ...notes.map((note) => `Note: ${note}`),
    `Job ${jobId}`,
  ].join('\n');
}

function used({ status, wallTimeMs, cpuTimeMs, memoryPeakBytes }: Report): string {
  if (status === 'compile_failed') return '';
  const time = `${timeInWords(wallTimeMs)} (${timeInWords(cpuTimeMs)} of processor time)`;
  return ` Time ${time}, memory ${bytesInWords(memoryPeakBytes)}.`;
}

/** In tags: where output ends is seen, also where it looks like a report itself. */
function block(name: string, text = ''): string[] {
  return text === '' ? [] : [`<${name}>`, text.replace(/\n$/, ''), `</${name}>`];
}

function fileLines({ files, jobId }: Report): string[] {
  if (files.length === 0) return [];
  const lines = files.map(({ path, sizeBytes, contentType, attached }) => {
    const how = attached === 'no' ? 'not attached' : `attached as ${attached}`;
    return `- ${path} (${contentType}, ${bytesInWords(sizeBytes)}): ${how}`;
  });
  const rest = files.some(({ attached }) => attached === 'no')
    ? [`What is not attached is too large or too much; the server has it at /v1/jobs/${jobId}/files/NAME.`]
    : [];
  return ['Files in out/:', ...lines, ...rest];
}
