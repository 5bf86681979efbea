/** What is checked of what: languages that are asked for, that are away, or that cannot do everything. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import type { CheckResult } from './check.js';
import { LANGUAGE_CHECKS, RUNNER_CHECKS } from './checks/index.js';
import { type ConformanceOptions, checkRunner } from './conformance.js';
import { PROGRAMS } from './programs.js';
import { createReport } from './report.js';
import { type FakeRunner, startFakeRunner } from './testing/fake-runner.js';
import { makePrograms, type ProgramsFolder } from './testing/pretended-folder.js';

/** Everything that needs one of these is left out or fails at once, so that no test waits for limits. */
const SLOW = ['spin', 'stream', 'memory'] as const;

/** The checks of the runner itself, and that it says at all which languages there are. */
const OF_THE_RUNNER = RUNNER_CHECKS.length + 1;

let fake: FakeRunner;
let programs: ProgramsFolder;
before(async () => {
  fake = await startFakeRunner();
  programs = await makePrograms({
    pretended: { without: SLOW, cannot: { stream: 'it cannot wait', spin: 'it has no loops' } },
    compiled: { cannot: { juggle: 'no such program' } },
  });
});
after(async () => {
  fake.close();
  await programs.remove();
});

async function check(options: Partial<ConformanceOptions>): Promise<CheckResult[]> {
  const { address: target } = fake;
  const given = { target, languages: [], programsDir: programs.path, timeoutMs: 15_000, rounds: 1, ...options };
  const results: CheckResult[] = [];
  for await (const result of checkRunner(given)) results.push(result);
  return results;
}

test('without a name, every language is checked, and one that is not available is said to be impossible', async () => {
  const results = await check({});
  const offered = results.filter(({ check: name }) => name === 'offered');
  assert.deepEqual(
    offered.map(({ language, outcome }) => [language, outcome]),
    [
      ['pretended', 'ok'],
      ['compiled', 'failed'],
      ['absent', 'cannot'],
    ],
  );
  assert.match(offered[1]?.reason ?? '', /cannot\.json: .*juggle/s);
  assert.equal(offered[2]?.reason, 'nothing to run it with');
  const pretended = results.filter(({ language }) => language === 'pretended');
  assert.equal(pretended.length, 1 + LANGUAGE_CHECKS.length);
  const outcomeOf = (name: string) => pretended.find((result) => result.check === name);
  assert.deepEqual(
    ['hello', 'stream', 'cancel'].map((name) => [outcomeOf(name)?.outcome, outcomeOf(name)?.reason]),
    [
      ['ok', undefined],
      ['cannot', 'it cannot wait'],
      ['cannot', 'it has no loops'],
    ],
  );
  assert.match(outcomeOf('memory limit')?.reason ?? '', /^there is no program memory in .*, and no reason why not$/);
  assert.equal(outcomeOf('memory limit')?.outcome, 'failed');
});

test('a language that is asked for by name must be there', async () => {
  for (const [name, reason] of [
    ['absent', 'it is not available: nothing to run it with'],
    ['unheard-of', 'the runner does not describe it'],
  ] as const) {
    const results = await check({ languages: [name] });
    const last = results.at(-1);
    assert.deepEqual([last?.language, last?.outcome, last?.reason], [name, 'failed', reason]);
    assert.equal(results.length, OF_THE_RUNNER + 1);
  }
});

test('every round checks everything', async () => {
  const results = await check({ languages: ['absent'], rounds: 3 });
  assert.deepEqual([...new Set(results.map(({ round }) => round))], [1, 2, 3]);
  assert.equal(results.length, 3 * (OF_THE_RUNNER + 1));
});

test('where no runner answers, the first refused connection is the end of it', async () => {
  const results = await check({ target: '127.0.0.1:1', timeoutMs: 1_000, rounds: 3 });
  assert.deepEqual(
    results.map(({ check: name, outcome, reason }) => [name, outcome, reason]),
    [
      [
        'connection',
        'failed',
        'no runner answers at 127.0.0.1:1 (connect ECONNREFUSED 127.0.0.1:1): start it there, or give another --target',
      ],
    ],
  );
});

test('a runner that goes away in the middle is said to be gone, once', async () => {
  const leaving = await startFakeRunner();
  const results: CheckResult[] = [];
  const given = { languages: ['pretended'], programsDir: programs.path, timeoutMs: 15_000, rounds: 1 };
  for await (const result of checkRunner({ target: leaving.address, ...given })) {
    results.push(result);
    if (result.check === 'hello') leaving.close();
  }
  assert.equal(results.at(-1)?.check, 'connection');
  assert.equal(results.filter(({ outcome }) => outcome === 'failed').length, 1);
});

test('every check and every program is documented', async () => {
  const page = await readFile(new URL('../../../docs/conformance.md', import.meta.url), 'utf8');
  for (const { name } of [...RUNNER_CHECKS, ...LANGUAGE_CHECKS]) assert.ok(page.includes(`\`${name}\``), name);
  for (const program of PROGRAMS) assert.ok(page.includes(`\n| ${program} | `), program);
});

test('a report has a section for the runner and for each language, and counts', () => {
  const report = createReport({ target: 'host:1', colour: false });
  const result = { round: 1, notes: [], tookMs: 1 };
  const lines = [
    report.add({ ...result, language: undefined, check: 'health', outcome: 'ok' }),
    report.add({ ...result, language: 'basic', check: 'hello', outcome: 'failed', reason: 'no' }),
    report.add({ ...result, language: 'basic', check: 'args', outcome: 'cannot', reason: 'it has none' }),
    report.add({ ...result, language: 'basic', check: 'stream', outcome: 'ok', notes: ['in time'] }),
  ];
  const shown = [
    'runner host:1',
    '  health              ok',
    '',
    'basic',
    '  hello               FAILED: no',
    '  args                cannot: it has none',
    '  stream              ok (in time)',
    '',
  ];
  assert.equal(lines.join(''), shown.join('\n'));
  assert.equal(report.summary(), '2 passed, 1 failed, 1 not possible');
  assert.equal(report.passed, false);
});
