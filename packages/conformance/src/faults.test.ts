/** A kit that passes everything checks nothing: each fault of a runner fails the checks that are about it, and no other. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { CheckResult } from './check.js';
import { LANGUAGE_CHECKS } from './checks/index.js';
import { checkRunner } from './conformance.js';
import { startFakeRunner } from './testing/fake-runner.js';
import type { Fault } from './testing/faults.js';
import { makePrograms, type ProgramsFolder } from './testing/pretended-folder.js';

/** Longer than any check needs, and shorter than one that never ends. */
const TIMEOUT_MS = 20_000;
/** Most of the time the kit waits, so several runners can be checked at once. */
const CONCURRENCY = 10;
const ATTEMPTS = 3;

const AFTERMATH = ['after cancel', 'after exit', 'after a loss'];
const NEEDS_NO_RUN = ['bad path', 'artifact download', 'artifact unknown', 'artifact digest'];
const FIRST_RUNS = ['hello', 'stdin at once', 'stdin empty'];
const SAYS_NOTHING = [
  'stdin empty',
  'files',
  'files of a run',
  'SIGTERM',
  'SIGKILL',
  'terminal ^C',
  'cancel',
  'wall time',
  'processor time',
  'memory limit',
];

function allBut(...names: string[]): string[] {
  return LANGUAGE_CHECKS.map(({ name }) => name).filter((name) => !names.includes(name));
}

const EXPECTED: Record<Fault, readonly string[]> = {
  // What takes longest first.
  'ends no run for its time': ['wall time', 'processor time'],
  'sends everything late': ['stream'],
  'swaps stdout and stderr': allBut(...NEEDS_NO_RUN, ...SAYS_NOTHING, 'no go'),
  'loses the exit code': ['exit code', 'crash', 'broken'],
  'loses the slot of a run that was cancelled': ['cancel', 'all slots', ...AFTERMATH, 'hello 20 times'],
  'never frees a slot': allBut(...NEEDS_NO_RUN, ...FIRST_RUNS),
  'keeps output until the end': ['stream'],
  'goes on when the call is cancelled': ['cancel', 'after cancel', 'after a loss'],
  'admits more than its slots': ['all slots'],
  'tells no slot as taken': ['cancel', 'all slots', 'no go'],
  'keeps bytes that have another digest': ['artifact digest'],
  'brings other bytes than it was given': ['artifact upload'],
  'keeps the last bytes instead of the first': ['first bytes kept'],
  'keeps one byte too many': ['output limit', 'first bytes kept'],
  'does not say that it cut the output': ['output limit', 'first bytes kept'],
  'calls every end the program’s own': [
    'wall time',
    'processor time',
    'output limit',
    'first bytes kept',
    'memory limit',
  ],
  'passes no signal on': ['SIGTERM', 'SIGKILL'],
  'tells signals as exit codes': ['SIGKILL'],
  'loses input that comes later': ['stdin in pieces', 'stdin 1 MiB', 'terminal', 'terminal ^C', 'all slots'],
  'reads input as text': ['stdin 1 MiB', 'first bytes kept'],
  'gives pipes where a terminal is asked for': ['terminal', 'terminal ^C'],
  'splits arguments at spaces': ['args'],
  'loses the environment': ['env'],
  'forgets produced files': ['files', 'files of a run'],
  'sends files after the end': ['files', 'files of a run'],
  'loses the files of a run': ['files of a run'],
  'lets files of a run replace the program’s own': ['files of a run'],
  'starts without go': ['no go'],
  'waits for go for ever': ['no go'],
  'calls an artifact that it lacks an unknown language': ['artifact unknown'],
  'takes paths that lead outside': ['files of a run', 'bad path'],
  'takes unknown languages': ['unknown language'],
  'takes nonsense': ['nonsense first'],
  'has no reflection': ['reflection'],
  'says that it does not serve': ['health'],
  'describes no platform': ['describe'],
  'breaks off the twentieth hello': ['hello 20 times'],
  'ends no run for its memory': ['memory limit'],
  'gives a digest to what does not compile': ['broken'],
};

let programs: ProgramsFolder;
before(async () => {
  programs = await makePrograms({ pretended: {}, compiled: {} });
});
after(() => programs.remove());

/** A machine that stands still for a moment fails a check of time as well; a fault fails its checks each time. */
async function failedEachTime(
  fault: Fault | undefined,
  languages: string[],
  expected: readonly string[],
): Promise<CheckResult[]> {
  let failed = await failedChecks(fault, languages);
  for (let attempt = 1; attempt < ATTEMPTS && failed.length > expected.length; attempt += 1) {
    const again = new Set((await failedChecks(fault, languages)).map(({ check }) => check));
    failed = failed.filter(({ check }) => again.has(check));
  }
  return failed;
}

async function failedChecks(fault: Fault | undefined, languages: string[]): Promise<CheckResult[]> {
  const fake = await startFakeRunner(fault);
  try {
    const options = { target: fake.address, languages, programsDir: programs.path, timeoutMs: TIMEOUT_MS, rounds: 1 };
    const failed: CheckResult[] = [];
    for await (const result of checkRunner(options)) if (result.outcome === 'failed') failed.push(result);
    return failed;
  } finally {
    fake.close();
  }
}

suite('the kit', { concurrency: CONCURRENCY }, () => {
  test('it finds nothing wrong with a runner that has no fault', async () => {
    assert.deepEqual(await failedEachTime(undefined, [], []), []);
  });

  for (const [fault, expected] of Object.entries(EXPECTED) as [Fault, readonly string[]][]) {
    test(`it sees through a runner that ${fault}`, async () => {
      // Only a language that compiles can have this one.
      const language = fault === 'gives a digest to what does not compile' ? 'compiled' : 'pretended';
      const failed = await failedEachTime(fault, [language], expected);
      const names = failed.map(({ check }) => check);
      assert.deepEqual(names, expected, failed.map(({ check, reason }) => `${check}: ${reason}`).join('\n'));
    });
  }
});
