/** From how a run ended to a verdict: the limits and the exit code decide first, then the comparison, or the checker. */
import type { Comparison, FinalStatus, Result, Verdict } from '@runlane/core';
import { difference } from './compare.js';

export interface Finding {
  readonly verdict: Verdict;
  readonly message?: string;
}

/** What needs no look at the output. */
const VERDICT_OF_STATUS: Partial<Record<FinalStatus, Verdict>> = {
  timed_out: 'time_limit_exceeded',
  memory_exceeded: 'memory_limit_exceeded',
  output_exceeded: 'output_limit_exceeded',
  failed: 'runtime_error',
};

/** Exit codes of testlib's checkers; 3 is its word for a failure of the checker, as is every other. */
const VERDICT_OF_EXIT_CODE: Readonly<Record<number, Verdict>> = {
  0: 'accepted',
  1: 'wrong_answer',
  2: 'presentation_error',
};

/** Most characters of what a checker says. */
const MESSAGE_CHARACTERS = 1_000;

/** The verdict on a run that did not end well; undefined where its output decides. */
export function findingOfRun({ status, message, exitCode, signal }: Result): Finding | undefined {
  const verdict = VERDICT_OF_STATUS[status];
  return verdict && { verdict, message: message ?? (signal ? `ended by ${signal}` : `exit code ${exitCode}`) };
}

export async function findingOfOutput(
  comparison: Comparison,
  expected: Uint8Array | undefined,
  output: Uint8Array,
): Promise<Finding> {
  const message = expected && (await difference(comparison, expected, output));
  return message === undefined ? { verdict: 'accepted' } : { verdict: 'wrong_answer', message };
}

/** What a checker found, from how its own run ended. */
export function findingOfChecker({ status, exitCode, signal, stderr, message: reason }: Result): Finding {
  const ended = status === 'succeeded' || status === 'failed';
  const verdict = ended && exitCode !== null ? VERDICT_OF_EXIT_CODE[exitCode] : undefined;
  const said = Buffer.from(stderr).toString().trim().slice(0, MESSAGE_CHARACTERS).toWellFormed();
  if (verdict) return { verdict, ...(said && { message: said }) };
  const how = reason ?? (signal ? `it was ended by ${signal}` : `its exit code was ${exitCode}`);
  return { verdict: 'checker_failed', message: `the checker failed: ${how}${said && `: ${said}`}` };
}
