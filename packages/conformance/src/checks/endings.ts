/** How programs end by themselves: the verdict is theirs, and must come back as it was. */
import { runner } from '@runlane/contract';
import type { LanguageCheck, LanguageSubject } from '../check.js';
import { expect, expectBytes } from '../failure.js';
import { endOf, expectExit, type Outcome } from '../outcome.js';

export const exitCode: LanguageCheck = {
  name: 'exit code',
  needs: ['exit'],
  async run({ run }) {
    const outcome = await run('exit');
    expectExit(outcome, 3);
    expectBytes(outcome.stderr, 'bye\n', 'stderr');
    expectBytes(outcome.stdout, '', 'stdout');
  },
};

export const crash: LanguageCheck = {
  name: 'crash',
  needs: ['crash'],
  async run({ run }) {
    const outcome = await run('crash');
    expectFailed(outcome);
    expectBytes(outcome.stdout, 'before\n', 'stdout');
  },
};

/** A program that no compiler takes: said by Prepare where the language compiles, by the run where it does not. */
export const broken: LanguageCheck = {
  name: 'broken',
  needs: ['broken'],
  run: (subject) => (subject.language.compiled ? compilerRefuses(subject) : runFails(subject)),
};

async function compilerRefuses({ client, prepareRequest }: LanguageSubject): Promise<void> {
  const { artifactDigest, compile } = await client.prepare(await prepareRequest('broken'));
  expect(artifactDigest === '', 'Prepare answered a digest for a program that does not compile');
  expect(compile !== undefined && compile.diagnostics.length > 0, 'Prepare does not say what the compiler said');
  expect(compile.exitCode !== 0, 'Prepare says that the compiler ended well');
}

async function runFails({ run }: LanguageSubject): Promise<void> {
  const outcome = await run('broken');
  expectFailed(outcome);
  expect(outcome.stderr.length > 0, 'stderr does not say what is wrong');
}

function expectFailed({ exited }: Outcome): void {
  const { reason, exitCode: code, signal } = exited;
  const failed = code === undefined ? signal !== undefined : code !== 0;
  const asWanted = reason === runner.EndReason.EXITED && failed;
  expect(asWanted, `the program ended with ${endOf(exited)} where an exit code other than 0 or a signal must be`);
}
