/** How a job ended, as an exit code and in words. */
import { constants } from 'node:os';
import type { Job } from '@runlane/client';
import { NOT_DONE, note } from './server.js';

/** As that of timeout(1). */
const TIMED_OUT = 124;
/** What a shell says of a program that a signal ended: 128 and the signal's number. */
const BY_SIGNAL = 128;

export const OUTCOME_HELP = `Exit code: the program's own; 128 and the number of the signal that ended it; 124 when its time was up; that of the
compiler; 125 when Runlane could not run it; 2 when this command was called wrongly.
`;

/** The exit code. What output and exit code do not say goes to standard error. */
export function tellOutcome({ id, status, result }: Job): number {
  if (!result) {
    note(`job ${id} has not ended yet: it is ${status}`);
    return NOT_DONE;
  }
  if (status === 'compile_failed') process.stderr.write((result.compile ?? result.checkerCompile)?.diagnostics ?? '');
  if (result.message) note(`${status}: ${result.message}`);
  if (result.summary) tellCases(result);
  if (status === 'error') return NOT_DONE;
  if (status === 'timed_out') return TIMED_OUT;
  if (status === 'compile_failed') return result.compile?.exitCode || 1;
  if (result.exitCode !== null) return result.exitCode;
  if (result.signal) return BY_SIGNAL + (constants.signals[result.signal as NodeJS.Signals] ?? 0);
  return status === 'succeeded' ? 0 : 1;
}

function tellCases({ cases = [], summary }: NonNullable<Job['result']>): void {
  for (const { index, name, verdict, message } of cases)
    note(`case ${name ?? index}: ${verdict}${message ? ` (${message})` : ''}`);
  if (summary) note(`${summary.verdict}: ${summary.passed} of ${summary.total} passed`);
}
