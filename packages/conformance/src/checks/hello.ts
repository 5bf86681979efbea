/** The least that a language must do, once and again. */
import type { LanguageCheck, LanguageSubject } from '../check.js';
import { expect, expectBytes } from '../failure.js';
import { expectExit } from '../outcome.js';

const TIMES = 20;

/** @throws CheckFailure unless the program hello does what it must. */
export async function helloRuns({ run }: LanguageSubject): Promise<void> {
  const outcome = await run('hello');
  expectExit(outcome, 0);
  expectBytes(outcome.stdout, 'Hello, World!\n', 'stdout');
  expectBytes(outcome.stderr, '', 'stderr');
  expect(outcome.exited.isolation !== '', 'exited does not say what kept the program apart');
}

export const hello: LanguageCheck = { name: 'hello', needs: ['hello'], run: helloRuns };

export const again: LanguageCheck = {
  name: `hello ${TIMES} times`,
  needs: ['hello'],
  async run(subject) {
    const began = performance.now();
    for (let time = 0; time < TIMES; time += 1) await helloRuns(subject);
    subject.note(`${Math.round((performance.now() - began) / TIMES)} ms each`);
  },
};
