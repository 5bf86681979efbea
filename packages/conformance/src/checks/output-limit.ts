/** Output beyond the limit ends the program, and the first bytes are kept: all of them, and no more. */
import { runner } from '@runlane/contract';
import type { LanguageCheck } from '../check.js';
import { expect, expectBytes, quote } from '../failure.js';
import { endOf, type Outcome } from '../outcome.js';
import { everyByte } from './stdin.js';

const LIMIT_BYTES = 10_000;

export const outputLimit: LanguageCheck = {
  name: 'output limit',
  needs: ['flood'],
  async run({ run }) {
    const outcome = await run('flood', { limits: { outputBytes: LIMIT_BYTES } });
    expectCut(outcome);
    const { stdout } = outcome;
    expect(stdout.length === LIMIT_BYTES, `${stdout.length} bytes came where ${LIMIT_BYTES} must be kept`);
    expect(/^x[x\n]*$/.test(stdout.toString()), `stdout is ${quote(stdout)} where lines of x must be`);
  },
};

/** With bytes that differ, so that it shows which of them were kept. */
export const firstBytes: LanguageCheck = {
  name: 'first bytes kept',
  needs: ['stdin'],
  async run({ run }) {
    const input = everyByte(10 * LIMIT_BYTES);
    const outcome = await run('stdin', { stdin: input, limits: { outputBytes: LIMIT_BYTES } });
    expectCut(outcome);
    expectBytes(outcome.stdout, input.subarray(0, LIMIT_BYTES), 'stdout');
  },
};

function expectCut({ exited }: Outcome): void {
  expect(exited.reason === runner.EndReason.OUTPUT, `it ended with ${endOf(exited)} where OUTPUT must be`);
  expect(exited.stdoutTruncated, 'stdout_truncated is not set');
  expect(!exited.stderrTruncated, 'stderr_truncated is set, and nothing was written there');
}
