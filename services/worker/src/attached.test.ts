/** What a worker makes of interactive jobs: input is passed on, and nothing runs a second time. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import type { Job, JobInput, JobView, Program } from '@runlane/core';
import { aJob, until } from '@runlane/core/testing';
import { BEHAVIOURS, type Behaviour } from './testing/fake-runner.js';
import { CLOSE_MS, closeStages, endOf, onStage, type Stage } from './testing/stage.js';

afterEach(closeStages);

interface Interactive extends Stage {
  accept(interactive?: Program['interactive'], limits?: Program['limits']): Promise<Job>;
  queue(job: Job): Promise<void>;
  endOf(job: Job): Promise<JobView>;
}

async function withRunner(...behaviours: Behaviour[]): Promise<Interactive> {
  const stage = await onStage({ behaviours, languages: [{ version: '3.11.2', terminal: true }] });
  const { store, openQueue } = stage.ports;
  return {
    ...stage,
    async accept(interactive = {}, limits = {}) {
      const job = aJob();
      const accepted = { ...job, program: { ...job.program, interactive, limits } };
      await store.insert(accepted);
      return accepted;
    },
    queue: (job) => openQueue.queue.add('save', job.id),
    endOf: ({ id }) => endOf(stage.ports, id),
  };
}

const outputOf = ({ result }: JobView) => Buffer.from(result?.stdout ?? []).toString();

test('input is passed on in order, what came before the run and what comes while it goes on', async () => {
  const { ports, accept, queue, endOf } = await withRunner(BEHAVIOURS.tellsInput);
  const job = await accept({ terminal: { rows: 24, columns: 80 } });
  const inputs: JobInput[] = [
    { type: 'stdin', data: Buffer.from('a') },
    { type: 'signal', name: 'SIGINT' },
    { type: 'resize', rows: 50, columns: 132 },
    { type: 'stdin', data: Buffer.from('b') },
    { type: 'close_stdin' },
  ];
  const give = (at: number) =>
    ports.feed.appendInput(job.id, at + 1, inputs[at] as JobInput, AbortSignal.timeout(5_000));
  await give(0);
  await give(1);
  await queue(job);
  for (let at = 2; at < inputs.length; at += 1) await give(at);
  const ended = await endOf(job);
  assert.deepEqual([ended.status, outputOf(ended)], ['succeeded', 'true 24x80 stdin:a SIGINT 50x132 stdin:b']);
});

for (const name of ['breaksOff', 'crashes', 'saysNonsense'] as const) {
  test(`after a runner that ${name}, an interactive job ends with \`error\` and is not run again`, async () => {
    const { accept, queue, endOf, runner } = await withRunner(BEHAVIOURS[name], BEHAVIOURS.runs);
    const job = await accept();
    await queue(job);
    const { status, attempt, result } = await endOf(job);
    assert.deepEqual([status, attempt, runner.executed()], ['error', 1, 1]);
    assert.match(result?.message ?? '', /not run a second time/);
  });
}

test('an interactive job that a runner did not begin is tried again: nothing of it has run', async () => {
  const { accept, queue, endOf } = await withRunner(BEHAVIOURS.isBusy, BEHAVIOURS.startsUnasked, BEHAVIOURS.runs);
  const job = await accept();
  await queue(job);
  const ended = await endOf(job);
  assert.deepEqual([ended.status, ended.attempt, outputOf(ended)], ['succeeded', 2, 'ran\n']);
});

test('an interactive job whose worker fell silent is ended with `error` by whoever finds it', async () => {
  const { ports, accept, endOf, runner } = await withRunner(BEHAVIOURS.runs);
  const job = await accept();
  await ports.store.markSaved(job.id, { artifactDigest: 'x' });
  assert.equal((await ports.store.claim(job.id, 'exec', 'one that dies', true)).outcome, 'claimed');
  const { status, result, attempt } = await endOf(job);
  assert.deepEqual([status, attempt], ['error', 2]);
  assert.match(result?.message ?? '', /the worker that ran it was lost; .* not run a second time/);
  assert.equal(runner.went(), 0);
});

test('a worker that stops ends an interactive job that runs, rather than hand it back', async () => {
  const { ports, accept, queue, worker, runner } = await withRunner(BEHAVIOURS.saysNothing);
  const job = await accept({}, { wallTimeMs: 60_000 });
  await queue(job);
  await until('it runs', () => runner.went() === 1);
  await worker.close(CLOSE_MS);
  const view = await ports.store.get(job.id);
  assert.deepEqual([view?.status, view?.attempt], ['error', 1]);
});

test('input is passed on though it could not be read at first', async () => {
  const { ports, accept, queue, endOf } = await withRunner(BEHAVIOURS.tellsInput);
  const { readInput } = ports.feed;
  let failures = 2;
  ports.feed.readInput = (id, signal) => {
    if (failures === 0) return readInput(id, signal);
    failures -= 1;
    throw new Error('away');
  };
  const job = await accept();
  await ports.feed.appendInput(job.id, 1, { type: 'stdin', data: Buffer.from('a') }, AbortSignal.timeout(5_000));
  await queue(job);
  await ports.feed.appendInput(job.id, 2, { type: 'close_stdin' }, AbortSignal.timeout(5_000));
  const ended = await endOf(job);
  assert.deepEqual([ended.status, outputOf(ended)], ['succeeded', 'true undefinedxundefined stdin:a']);
});

test('a run whose attachment falls silent is cancelled, and one to which nobody attached is not', async () => {
  const { ports, accept, queue, endOf, runner } = await withRunner(BEHAVIOURS.saysNothing);
  const { isAttached } = ports.store;
  const asked = new Set<string>();
  // The store is away for a moment: who is attached is not known at first.
  ports.store.isAttached = async (id) => {
    if (asked.has(id)) return isAttached(id);
    asked.add(id);
    throw new Error('away');
  };
  const [attached, alone] = [await accept({}, { wallTimeMs: 60_000 }), await accept({}, { wallTimeMs: 60_000 })];
  await ports.store.attach(attached.id);
  for (const job of [attached, alone]) await queue(job);
  await until('both run', () => runner.went() === 2);
  assert.equal((await endOf(attached)).status, 'cancelled');
  assert.equal((await ports.store.get(alone.id))?.status, 'running');
});
