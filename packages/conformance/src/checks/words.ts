/** What a program is told besides its input: arguments and environment, as they were given, and through no shell. */
import type { LanguageCheck } from '../check.js';
import { expectBytes } from '../failure.js';
import { expectExit } from '../outcome.js';

const ARGUMENTS = ['plain', 'two  words', '"double"', "it's", 'Grüße, 世界 🎉', '-v', '--', '$HOME', '*', 'a\\b'];
const GREETING = `hello = "you", it's $HOME`;

export const args: LanguageCheck = {
  name: 'args',
  needs: ['args'],
  async run({ run }) {
    const outcome = await run('args', { args: ARGUMENTS });
    expectExit(outcome, 0);
    expectBytes(outcome.stdout, ARGUMENTS.map((argument) => `${argument}\n`).join(''), 'stdout');
  },
};

export const env: LanguageCheck = {
  name: 'env',
  needs: ['env'],
  async run({ run }) {
    const outcome = await run('env', { env: { GREETING } });
    expectExit(outcome, 0);
    expectBytes(outcome.stdout, `${GREETING}\n`, 'stdout');
  },
};
