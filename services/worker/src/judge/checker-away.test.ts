/** A judged job whose checker has no runner: it waits, as a job does whose own language is away, and nothing is counted. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { type Checker, digestOf, type Job, type Program } from '@runlane/core';
import { aJob, until } from '@runlane/core/testing';
import { BEHAVIOURS, type Behaviour, startFakeRunner } from '../testing/fake-runner.js';
import { closeStages, endOf, onStage, opened, type Stage } from '../testing/stage.js';

afterEach(closeStages);

const runs: Behaviour = BEHAVIOURS.runs;

const CHECKER: Checker = {
  language: 'lua',
  version: '',
  files: [{ path: 'check.lua', content: Buffer.from('check') }],
  entry: 'check.lua',
  limits: { producedFiles: 7 },
};
const JUDGED: Partial<Program> = {
  limits: { producedFiles: 7 },
  cases: [{ limits: { wallTimeMs: 150 } }, {}],
  judge: { comparison: { mode: 'checker' }, stopAtFirstFailure: false, checker: CHECKER },
};
const PYTHON = { version: '3.11.2' };
const LUA = { name: 'lua', version: '5.4.4' };

async function accept({ ports }: Stage): Promise<Job> {
  const job = aJob();
  const judged = { ...job, program: { ...job.program, ...JUDGED } };
  await ports.store.insert(judged);
  return judged;
}

test('a saved job waits for its checker’s runner, and is not begun meanwhile', async () => {
  const offered: (typeof PYTHON)[] = [PYTHON];
  const stage = await onStage({ behaviours: [runs], languages: offered, maxAttempts: 1 });
  const { ports, worker, runner } = stage;
  const job = await accept(stage);
  // An artifact that nobody keeps is made again.
  const prepared = { artifactDigest: digestOf(Buffer.from('gone')) };
  await ports.store.markSaved(job.id, { ...prepared, checker: prepared });
  let deliveries = 0;
  const { saved } = ports.store;
  ports.store.saved = (id) => {
    deliveries += 1;
    return saved(id);
  };
  await ports.openQueue.queue.add('exec', job.id);
  await until('it was left and taken up again', () => deliveries >= 2, 20_000);
  assert.equal(runner.executed(), 0);
  offered.push(LUA);
  await worker.pool.refresh();
  const { attempt, result } = await endOf(ports, job.id);
  assert.deepEqual([attempt, result?.summary?.passed], [1, 2]);
});

/** A job whose checker has a runner of its own, which loses the language in the first attempt, when this is started. */
async function losingTheChecker(language: 'python' | 'lua', behaves: Behaviour) {
  const offered = [LUA];
  const behaviours: Behaviour[] = [
    (call, start) => {
      if (start.language !== language || isLost) return runs(call, start);
      isLost = true;
      offered.pop();
      void refresh().then(() => behaves(call, start));
    },
  ];
  let isLost = false;
  const other = await startFakeRunner({ behaviours, languages: offered });
  opened.push(other.close);
  const stage: Stage = await onStage({ behaviours, languages: [PYTHON], others: [other.address], maxAttempts: 1 });
  const { ports, worker } = stage;
  const refresh = () => worker.pool.refresh();
  await until('both runners are connected', () => worker.pool.slots().runners === 2);
  const job = await accept(stage);
  await ports.openQueue.queue.add('save', job.id);
  await until('it is claimed', async () => (await ports.store.get(job.id))?.attempt === 1);
  await until('the first attempt is over', async () => !(await ports.store.isHeld(job.id)), 30_000);
  offered.push(LUA);
  await refresh();
  return endOf(ports, job.id);
}

test('an attempt that finds its checker’s runner gone is handed back, and not counted', async () => {
  const { attempt, result } = await losingTheChecker('python', runs);
  assert.deepEqual([attempt, result?.summary?.passed], [2, 2]);
});

test('an attempt that lost a runner is counted, though the others are away after that', async () => {
  const { status, result } = await losingTheChecker('lua', BEHAVIOURS.breaksOff);
  assert.equal(status, 'error');
  assert.match(result?.message ?? '', /could not run this in 1 attempts/);
});

test('of a checker that is not compiled no version is kept, and no run of a case or checker is asked for files', async () => {
  const asked = new Set<number | undefined>();
  const noting: Behaviour = (call, start) => {
    asked.add(start.limits?.producedFiles);
    runs(call, start);
  };
  const stage = await onStage({ behaviours: [noting], languages: [PYTHON, LUA] });
  const job = await accept(stage);
  await stage.ports.openQueue.queue.add('save', job.id);
  assert.equal((await endOf(stage.ports, job.id)).result?.summary?.passed, 2);
  assert.deepEqual([stage.runner.executed(), [...asked]], [4, [0]]);
  assert.deepEqual(Object.keys((await stage.ports.store.saved(job.id))?.checker ?? {}), ['artifactDigest']);
});
