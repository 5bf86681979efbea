/** A batch from end to end: a thousand programs on one machine, fewer where servers are slow, each with its own result. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import type { BatchJson, JobJson } from '@runlane/contract';
import { execution } from '@runlane/contract';
import { skipWithout, until } from '@runlane/core/testing';
import { readEvents, restDoor, unary } from './doors.js';
import { type Platform, startDistributed, startEmbedded, temporaryFolder } from './platforms.js';

let folder: string;
const FORMS = [
  {
    name: 'embedded',
    total: 1_000,
    skip: false as const,
    async start() {
      folder = await temporaryFolder();
      return startEmbedded(folder);
    },
  },
  {
    name: 'distributed',
    total: 60,
    skip: skipWithout('redis-server', 'mongo-wire'),
    // Fewer deliveries than jobs: the others wait in the queue, where the order is.
    start: () => startDistributed({ env: { WORKER_CONCURRENCY: '2' } }),
  },
];
after(() => rm(folder, { recursive: true, force: true }));

for (const { name, total, skip, start } of FORMS) {
  describe(`on the ${name} platform`, { skip }, () => {
    let platform: Platform;
    before(async () => {
      platform = await start();
    });
    after(() => platform?.stop());

    /** Every third fails, each in its own way. */
    const codeOf = (n: number) => (n % 3 === 2 ? `import sys; sys.exit(${(n % 250) + 1})` : `print(${n})`);
    const post = (path: string, body: unknown) =>
      fetch(`${platform.baseUrl}${path}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      });
    const jobOf = async (id: string) => (await (await fetch(`${platform.baseUrl}/v1/jobs/${id}`)).json()) as JobJson;

    async function submit(jobs: readonly object[]): Promise<BatchJson> {
      const response = await post('/v1/batches', { jobs });
      assert.equal(response.status, 202);
      return (await response.json()) as BatchJson;
    }

    test(`each of ${total} programs ends with its own result, and others do not wait for them`, async () => {
      const { id, jobs } = await submit(Array.from({ length: total }, (_, n) => ({ code: codeOf(n) })));
      const door = restDoor(platform);
      const single = door.watch(await door.submit({ code: 'print("single")' })).then(async ({ ended }) => ({
        status: ended.status,
        finished: ((await (await fetch(`${platform.baseUrl}/v1/batches/${id}`)).json()) as BatchJson).finished,
      }));
      const ended = new Set<unknown>();
      let progress = 0;
      let done: BatchJson | undefined;
      for await (const { event, data } of readEvents(await fetch(`${platform.baseUrl}/v1/batches/${id}/events`))) {
        if (event === 'job') ended.add(data.index);
        if (event === 'progress') {
          assert.ok(Number(data.finished) >= progress);
          assert.equal(data.finished, ended.size);
          progress = Number(data.finished);
        }
        if (event === 'done') done = data as unknown as BatchJson;
      }
      const failed = Math.floor(total / 3);
      assert.deepEqual([ended.size, done?.finished, done?.total], [total, total, total]);
      assert.deepEqual(done?.counts, { succeeded: total - failed, failed });
      assert.deepEqual(
        done?.jobs.map((job) => job.id),
        jobs.map((job) => job.id),
      );
      for (const [n, job] of jobs.entries()) {
        const { result, batchId } = await jobOf(job.id);
        const expected = n % 3 === 2 ? [(n % 250) + 1, ''] : [0, `${n}\n`];
        assert.deepEqual([result?.exitCode, result?.stdout, batchId], [...expected, id], `job ${n}`);
      }
      const { status, finished } = await single;
      assert.equal(status, 'succeeded');
      // What runs at once comes first; that all but some of the batch do is what queues without priorities would show.
      assert.ok(finished < total * 0.9, `${finished} of ${total} had ended before the single job`);
    });

    test('a batch that runs and waits can be cancelled as a whole', async () => {
      const { id, jobs } = await submit(
        Array(40).fill({ code: 'import time; time.sleep(60)', limits: { wallTimeMs: 60_000 } }),
      );
      // A store that is too busy is said with 503, and asked again.
      await until('it is cancelled', async () => (await post(`/v1/batches/${id}/cancel`, {})).status === 202, 60_000);
      const stream = platform.client.watchBatch({ batchId: id }) as AsyncIterable<execution.WatchBatchResponse>;
      let last: execution.WatchBatchResponse['event'];
      for await (const { event } of stream) last = event;
      assert.equal(last?.$case === 'done' && last.value.progress?.finished, 40);
      assert.equal((await jobOf(jobs[0]?.id ?? '')).status, 'cancelled');
    });

    test('over gRPC, the same key gives the same batch', async () => {
      const request = execution.SubmitBatchRequest.fromPartial({
        jobs: [{ code: 'print(1)' }, { code: 'print(2)' }],
        idempotencyKey: `batch-${name}`,
      });
      const ask = () => unary<execution.SubmitBatchResponse>((done) => platform.client.submitBatch(request, done));
      const { batch } = await ask();
      assert.equal((await ask()).batch?.id, batch?.id);
    });
  });
}
