import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Facts } from '@runlane/core';
import { attemptKey, type Evidence, judge, type Run } from './judge.js';
import { createLedger, type Entry, type SeenEnd } from './ledger.js';
import { createSubmission } from './programs.js';
import { createRandom } from './random.js';

const LEASE_MS = 2_000;

function anEntry(...ends: Partial<SeenEnd>[]): Entry {
  const ledger = createLedger(1);
  const submission = { ...createSubmission(1, createRandom(1)), status: 'succeeded', stdout: /^fine$/ } as const;
  const entry = ledger.open(submission, 'REST');
  ledger.accepted(entry, 'j1', 0);
  for (const end of ends)
    ledger.ended(entry, { status: 'succeeded', attempt: 1, stdout: 'fine', digest: 'd1', ...end });
  return entry;
}

const aRun = (attempt: number, atMs: number, workerId = `w${attempt}`): Run => ({
  jobId: 'j1',
  attempt,
  workerId,
  atMs,
});

/** Attempts that began and were last heard of at these times. */
const attemptsOf = (...times: (readonly [startedAtMs: number, heartbeatAtMs: number, ended?: 'failed'])[]) =>
  new Map<string, Facts['attempts']>(
    times.map(([startedAtMs, heartbeatAtMs, ended], index) => [
      attemptKey('j1', index + 1),
      { workerId: `w${index + 1}`, startedAtMs, heartbeatAtMs, leaseMs: LEASE_MS, ...(ended && { ended }) },
    ]),
  );

const verdictOn = (entry: Entry, more: Partial<Evidence> = {}) =>
  judge({ entries: [entry], runs: [], attempts: new Map(), wrongClocks: [], ...more });

test('a job that ended once, as its program ends, is fine', () => {
  const { lost, doubled, wrong, accepted, ended } = verdictOn(anEntry({}, {}), {
    runs: [aRun(1, 0)],
    attempts: attemptsOf([0, 0]),
  });
  assert.deepEqual(
    { lost, doubled, wrong, accepted, ended },
    { lost: [], doubled: [], wrong: [], accepted: 1, ended: 1 },
  );
});

test('a job without an end is lost', () => {
  assert.match(verdictOn(anEntry()).lost.join(), /j1/);
});

test('one that was never accepted is not', () => {
  const ledger = createLedger(1);
  const entry = ledger.open(createSubmission(1, createRandom(1)), 'REST');
  assert.deepEqual(verdictOn(entry).lost, []);
});

test('a result that changed is a double', () => {
  assert.match(verdictOn(anEntry({}, { status: 'failed', digest: 'd2' })).doubled.join(), /different ends/);
});

test('two jobs under one key are a double', () => {
  const entry = anEntry({});
  entry.ids.add('j2');
  assert.match(verdictOn(entry).doubled.join(), /its key led to 2 jobs/);
});

test('another end than the program has is wrong', () => {
  assert.match(verdictOn(anEntry({ status: 'error' })).wrong.join(), /ended error/);
  assert.match(verdictOn(anEntry({ stdout: 'of another' })).wrong.join(), /of another/);
});

for (const [what, attempts] of [
  ['was silent for its lease', attemptsOf([0, 1_000], [3_000, 3_000])],
  ['was given up', attemptsOf([0, 1_000, 'failed'], [1_500, 1_500])],
] as const) {
  test(`a second run is allowed after the first attempt ${what}`, () => {
    const { doubled, ranAgain } = verdictOn(anEntry({}), { runs: [aRun(1, 0), aRun(2, 3_000)], attempts });
    assert.deepEqual([doubled, ranAgain.afterLoss], [[], 1]);
  });
}

test('a second run while the first attempt is alive is a double, but not while a clock is wrong', () => {
  const evidence = { runs: [aRun(1, 10_000), aRun(2, 10_500)], attempts: attemptsOf([0, 1_000], [1_500, 1_500]) };
  assert.match(verdictOn(anEntry({}), evidence).doubled.join(), /while attempt 1 was alive/);
  const wrongClocks = [{ fromMs: 9_000, toMs: 11_000 }];
  const { doubled, ranAgain } = verdictOn(anEntry({}), { ...evidence, wrongClocks });
  assert.deepEqual([doubled, ranAgain.forWrongClock], [[], 1]);
});

test('two runs of one attempt are a double', () => {
  const evidence = { runs: [aRun(1, 0), aRun(1, 5_000)], attempts: attemptsOf([0, 0]) };
  assert.match(verdictOn(anEntry({}), evidence).doubled.join(), /attempt 1 ran twice/);
});

test('runs without claims are doubles', () => {
  const runs = [aRun(1, 0), aRun(7, 5_000)];
  assert.match(verdictOn(anEntry({}), { runs }).doubled.join(), /not its worker's/);
  const attempts = attemptsOf([0, 0]);
  attempts.set(attemptKey('j1', 7), { workerId: 'w7', startedAtMs: 5_000, heartbeatAtMs: 5_000, leaseMs: LEASE_MS });
  assert.match(verdictOn(anEntry({}), { runs, attempts }).doubled.join(), /did not come after another/);
});
