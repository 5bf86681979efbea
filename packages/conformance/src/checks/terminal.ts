/** Programs in a terminal, where the runner offers one: what is typed is echoed, and its keys do what they do. */
import { setTimeout as sleep } from 'node:timers/promises';
import { runner } from '@runlane/contract';
import type { LanguageCheck } from '../check.js';
import { expect, quote } from '../failure.js';
import { endOf, expectExit, outcomeOf } from '../outcome.js';

const TERMINAL = { rows: 24, columns: 80 };
/** How long a program is left alone before it is interrupted, in milliseconds: a runtime that begins may not be ready for it. */
const UNDER_WAY_MS = 500;
const INTERRUPT_KEY = '\x03';

/** One line and the end of input: the terminal shows the line, and the program copies it. */
export const terminal: LanguageCheck = {
  name: 'terminal',
  needs: ['stdin'],
  needsTerminal: true,
  async run({ begin }) {
    const conversation = await begin('stdin', { terminal: TERMINAL, keepStdinOpen: true });
    const outcome = outcomeOf(conversation);
    conversation.send({ $case: 'resize', value: { rows: 50, columns: 132 } });
    conversation.send({ $case: 'stdin', value: Buffer.from('one line\n') });
    conversation.send({ $case: 'closeStdin', value: {} });
    const ended = await outcome;
    expectExit(ended, 0);
    const times = ended.stdout.toString().split('one line\r\n').length - 1;
    expect(times === 2, `stdout must be the line twice, echoed and copied, with \\r\\n, and is ${quote(ended.stdout)}`);
  },
};

export const interruptKey: LanguageCheck = {
  name: 'terminal ^C',
  needs: ['spin'],
  needsTerminal: true,
  async run({ begin }) {
    const conversation = await begin('spin', { terminal: TERMINAL, keepStdinOpen: true });
    const outcome = outcomeOf(conversation);
    await sleep(UNDER_WAY_MS);
    conversation.send({ $case: 'stdin', value: Buffer.from(INTERRUPT_KEY) });
    const { exited } = await outcome;
    const ended = exited.reason === runner.EndReason.EXITED && exited.exitCode !== 0;
    expect(ended, `it ended with ${endOf(exited)} where the key must interrupt it`);
  },
};
