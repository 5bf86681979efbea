/** What a callback is told: the job as REST gives it, with no more output than a receiver of messages is ready to take. */
import { type CaseResult, type JobView, type Result, toJobJson } from '@runlane/core';
import { firstBytes } from '../first-bytes.js';

/** Of each stream of a job, and of what its compiler said. */
const MOST_BYTES = 64 * 1024;
/** Of each stream of a test case: there may be 200 of them. */
const MOST_CASE_BYTES = 1024;

export function bodyOf(view: JobView): string {
  const { result } = view;
  return JSON.stringify(toJobJson({ ...view, ...(result && { result: cutResult(result) }) }));
}

function cutResult(result: Result): Result {
  const { compile, checkerCompile, cases } = result;
  return {
    ...cutStreams(result, MOST_BYTES),
    ...(compile && { compile: cutDiagnostics(compile) }),
    ...(checkerCompile && { checkerCompile: cutDiagnostics(checkerCompile) }),
    ...(cases && { cases: cases.map((each) => cutStreams(each, MOST_CASE_BYTES)) }),
  };
}

function cutStreams<T extends Result | CaseResult>(ended: T, most: number): T {
  const [stdout, stderr] = [firstBytes(ended.stdout, most), firstBytes(ended.stderr, most)];
  return {
    ...ended,
    stdout,
    stderr,
    stdoutTruncated: ended.stdoutTruncated || stdout.length < ended.stdout.length,
    stderrTruncated: ended.stderrTruncated || stderr.length < ended.stderr.length,
  };
}

function cutDiagnostics(compile: NonNullable<Result['compile']>): NonNullable<Result['compile']> {
  return { ...compile, diagnostics: firstBytes(compile.diagnostics, MOST_BYTES) };
}
