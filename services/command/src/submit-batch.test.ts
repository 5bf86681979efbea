/** A batch whose acceptance is cut off: what was told holds, and the same request with the same key makes it whole. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunlaneError } from '@runlane/contract';
import { BATCH_PRIORITY, type Batch, batchJobIds, type Job, type JobStore } from '@runlane/core';
import { aResult, silentLog as log } from '@runlane/core/testing';
import { createAllowance } from './auth/allowance.js';
import { ANYBODY } from './auth/caller.js';
import { createBatches } from './batches.js';
import { createJobs } from './jobs.js';
import { createLanguages } from './languages.js';
import { createRoom } from './room.js';
import { createSubmitBatch } from './submit-batch.js';
import { openTestDoors, type TestDoors } from './testing/command-doors.js';
import { traced } from './traced.js';

const TOTAL = 250;
const BODY = { jobs: Array.from({ length: TOTAL }, (_, n) => ({ code: `print(${n})` })) };
const ID = '01890a5d-ac96-774b-bcce-b302099a8057';
const IDS = batchJobIds(ID, TOTAL);

function submitBatchOver(store: JobStore, { openQueue, feed, meters }: TestDoors['ports'], add = openQueue.queue.add) {
  const submitBatch = createSubmitBatch({
    store,
    queue: { ...openQueue.queue, add },
    termProblems: () => [],
    batches: createBatches({ jobs: createJobs({ store, feed, queue: openQueue.queue }), store, log }),
    languages: createLanguages(store),
    newId: () => ID,
    room: createRoom(store, 10_000),
    allowance: createAllowance({ store, meters }),
    metrics: { accepted: () => undefined },
    log,
  });
  return traced(submitBatch);
}

/** A store that dies when so many jobs of a batch are in it: with all of them, only the batch itself is missing. */
const dyingAfter = (count: number, store: JobStore): JobStore => ({
  ...store,
  async insertBatch(_: Batch, jobs: readonly Job[]) {
    for (const job of jobs.slice(0, count)) await store.insert(job);
    throw new RunlaneError('STORE_UNAVAILABLE', 'the job store does not answer');
  },
});

const refusal = (code: string) => (error: unknown) => error instanceof RunlaneError && error.code === code;

for (const count of [0, 1, TOTAL - 1, TOTAL]) {
  test(`cut off after ${count} of ${TOTAL} jobs, a batch is made whole by a retry, and nothing of it is made twice`, async (t) => {
    const doors = await openTestDoors();
    t.after(() => doors.close());
    const { store } = doors.ports;
    const submission = { body: BODY, caller: ANYBODY, idempotencyKey: 'key' };
    await assert.rejects(
      submitBatchOver(dyingAfter(count, store), doors.ports)(submission),
      refusal('STORE_UNAVAILABLE'),
    );
    assert.equal(await store.batch(ID), undefined);
    assert.equal(await store.inFlightCount(), count);
    // What there is runs like any other job.
    if (count > 0) await store.finish(IDS[0] ?? '', 1, aResult());

    const retry = submitBatchOver(store, doors.ports);
    await assert.rejects(retry(submission), refusal('IDEMPOTENCY_IN_FLIGHT'));
    await assert.rejects(retry({ ...submission, body: { jobs: [BODY.jobs[0]] } }), refusal('IDEMPOTENCY_MISMATCH'));
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 11_000 });
    const { view, replayed } = await retry(submission);
    t.mock.timers.reset();
    assert.deepEqual([view.batch.id, replayed], [ID, false]);
    const again = await retry(submission);
    assert.equal(again.replayed, true);
    assert.deepEqual(
      again.view.jobs.map(({ id }) => id),
      IDS,
    );
    assert.equal(again.view.progress.finished, count > 0 ? 1 : 0);
    const sources = await Promise.all(IDS.map(async (id) => String((await store.job(id))?.program.files[0]?.content)));
    assert.deepEqual(
      sources,
      BODY.jobs.map(({ code }) => code),
    );
  });
}

test('jobs of a batch are queued behind others, in order, and a queue that is away keeps nobody', async (t) => {
  const doors = await openTestDoors();
  t.after(() => doors.close());
  const queued: { readonly id: string; readonly priority: number | undefined }[] = [];
  const submission = { body: BODY, caller: ANYBODY, idempotencyKey: undefined };
  const submitBatch = submitBatchOver(doors.ports.store, doors.ports, async (_stage, id, options) => {
    queued.push({ id, priority: options?.priority });
    if (queued.length > 150) throw new Error('the queue does not answer');
  });
  await submitBatch(submission);
  await new Promise(setImmediate);
  assert.deepEqual(
    queued,
    IDS.slice(0, 200).map((id) => ({ id, priority: BATCH_PRIORITY })),
  );
});
