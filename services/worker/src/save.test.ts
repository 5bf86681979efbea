/** Runners that other workers fill while this one saves: nothing is counted, and nobody is kept from his turn. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { type Checker, digestOf, type Program } from '@runlane/core';
import { aJob, until } from '@runlane/core/testing';
import { BEHAVIOURS } from './testing/fake-runner.js';
import { closeStages, endOf, onStage } from './testing/stage.js';

afterEach(closeStages);

const CHECKER: Checker = {
  language: 'cpp',
  version: '',
  files: [{ path: 'check.cpp', content: Buffer.from('check') }],
  entry: 'check.cpp',
  limits: {},
};
const JUDGED: Partial<Program> = {
  cases: [{ expectedStdout: Buffer.from('') }],
  judge: { comparison: { mode: 'checker' }, stopAtFirstFailure: false, checker: CHECKER },
};

const MADE = digestOf(Buffer.from('not what was asked for'));
const languages = (compiled: boolean) => [
  { version: '3.11.2', compiled },
  { name: 'cpp', version: '14.0.0', compiled },
];

/** A runner whose slots are taken by others when it is to prepare this file, so many times. */
function onBusyStage(entry: string, compiled: boolean, times: number) {
  let asked = 0;
  const stage = onStage({
    behaviours: [BEHAVIOURS.runs],
    languages: languages(compiled),
    ...(compiled && { prepares: () => MADE }),
    refusesToPrepare(request) {
      if (request.entry !== entry) return undefined;
      asked += 1;
      return asked > times ? undefined : status.RESOURCE_EXHAUSTED;
    },
  });
  return stage.then((open) => ({ ...open, asked: () => asked }));
}

for (const compiled of [true, false])
  for (const entry of ['main.py', 'check.cpp'])
    test(`a runner without room to prepare ${entry}, ${compiled ? '' : 'not '}compiled, is asked again, and nothing is counted`, async () => {
      const { run, worker, asked } = await onBusyStage(entry, compiled, 5);
      const { attempt, result } = await run(JUDGED);
      assert.deepEqual([result?.summary?.passed, attempt, asked()], [1, 1, 6]);
      await until('every slot is free', () => worker.pool.slots().used === 0);
    });

test('a runner that stays full is not asked without a pause, and the job can be cancelled meanwhile', async () => {
  const { ports, runner, asked } = await onBusyStage('main.py', true, Number.POSITIVE_INFINITY);
  const job = aJob();
  await ports.store.insert(job);
  await ports.openQueue.queue.add('save', job.id);
  const startMs = performance.now();
  await until('it was asked for a while', () => asked() >= 8);
  // The pauses before the eighth time are 10, 20, 40, 80, 160, 320 and 500 ms.
  assert.ok(performance.now() - startMs > 1_000);
  await ports.store.cancel(job.id);
  await ports.feed.wish(job.id, { type: 'cancel' });
  assert.equal((await endOf(ports, job.id)).status, 'cancelled');
  assert.equal(runner.executed(), 0);
});

test('a job that waits for its checker’s runner holds no slot meanwhile', async () => {
  const offered = languages(true).slice(0, 1);
  const { ports, worker, runner } = await onStage({
    behaviours: [BEHAVIOURS.runs],
    languages: offered,
    prepares: () => MADE,
  });
  const job = aJob();
  await ports.store.insert({ ...job, program: { ...job.program, ...JUDGED } });
  let deliveries = 0;
  const { saved } = ports.store;
  ports.store.saved = (id) => {
    deliveries += 1;
    return saved(id);
  };
  await ports.openQueue.queue.add('save', job.id);
  let used = 0;
  await until('it was left and taken up again', () => {
    used = Math.max(used, worker.pool.slots().used);
    return deliveries >= 2;
  });
  assert.deepEqual([used, runner.executed()], [0, 0]);
  offered.push(...languages(true).slice(1));
  await worker.pool.refresh();
  assert.equal((await endOf(ports, job.id)).result?.summary?.passed, 1);
});
