/** What becomes of a callback, call by call, and what the queue and the reconciler do for it. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createCloser, type Job, messageIdOf } from '@runlane/core';
import { openPorts } from '@runlane/core/adapters';
import { aJob, aResult, silentLog as log, until } from '@runlane/core/testing';
import type { WorkerContext } from '../context.js';
import { createMetrics } from '../metrics.js';
import type { MakeCall } from './call.js';
import { createDeliver } from './deliver.js';
import { createOwedLook } from './owed.js';
import type { Answer } from './post.js';
import { createReceivers } from './receivers.js';

const callbackUrl = 'https://example.org/hook';

interface Terms {
  /** To each call; the last one to all that follow. */
  readonly answers?: readonly Answer[];
  readonly makeCall?: MakeCall;
  readonly maxCalls?: number;
  readonly firstPauseMs?: number;
}

async function onStage(t: TestContext, { answers = [], makeCall, maxCalls = 3, firstPauseMs = 0 }: Terms) {
  const folder = await mkdtemp(join(tmpdir(), 'runlane-deliver-'));
  const closer = createCloser({ graceMs: 2_000, log });
  const config = { LEASE_SECONDS: 2_000, MAX_ATTEMPTS: 3, MONGO_URL: undefined, REDIS_URL: undefined };
  const ports = await openPorts({ ...config, DATA_DIR: folder }, { closer, log });
  t.after(async () => {
    await closer.close();
    await rm(folder, { recursive: true, force: true });
  });
  const { store, openQueue, latencies } = ports;
  assert.ok(openQueue.kind === 'embedded');
  const { queue } = openQueue;
  const metrics = createMetrics({ queue, slots: () => ({ total: 0, used: 0, runners: 0 }), latencies });
  const context = { ...ports, queue, log, metrics, workerId: 'w' } as unknown as WorkerContext;
  const ids: string[] = [];
  const deliver = createDeliver(context, {
    makeCall:
      makeCall ??
      (async (_url, { id }) => {
        ids.push(id);
        return answers[Math.min(ids.length, answers.length) - 1] ?? {};
      }),
    receivers: createReceivers(1),
    maxCalls,
    firstPauseMs,
    leaseMs: 60_000,
  });
  return {
    store,
    queue,
    deliver,
    look: createOwedLook(context),
    metrics,
    /** The ids that receivers were told. */
    ids,
    async ended(more: Partial<Job> = {}): Promise<string> {
      const job = aJob({ callbackUrl, ...more });
      await store.insert(job);
      await store.finish(job.id, 1, aResult());
      return job.id;
    },
    process: () => queue.process('callback', 4, async (id) => void (await deliver(id))),
  };
}

const isTold = (store: WorkerContext['store'], id: string) =>
  until('it is told', async () => (await store.callbacks.history(id)).told !== undefined);

test('a callback that fails is called again, with the same id, until it takes it', async (t) => {
  const answers = [{ statusCode: 500 }, { error: 'timed_out' as const }, { statusCode: 200 }];
  const { store, queue, ids, ended, process, metrics } = await onStage(t, { answers });
  const id = await ended();
  process();
  await queue.add('callback', id);
  await isTold(store, id);
  const { calls, told } = await store.callbacks.history(id);
  assert.deepEqual(
    calls.map(({ statusCode, error }) => statusCode ?? error),
    [500, 'timed_out', 200],
  );
  assert.equal(told?.outcome, 'delivered');
  assert.deepEqual(ids, Array(3).fill(messageIdOf(id)));
  for (const line of [
    'runlane_callback_calls_total{outcome="5xx"} 1',
    'runlane_callback_calls_total{outcome="timed_out"} 1',
    'runlane_callback_calls_total{outcome="2xx"} 1',
    'runlane_callbacks_ended_total{outcome="delivered"} 1',
  ])
    await until(line, async () => (await metrics.text()).includes(line));
});

for (const [what, answers, outcome, calls] of [
  ['410 is called no more', [{ statusCode: 410 }], 'gone', 1],
  ['a redirect each time is given up', [{ statusCode: 302 }], 'given_up', 3],
  ['no answer is given up after as many calls as are allowed', [{ error: 'not_connected' }], 'given_up', 3],
] as const) {
  test(`a callback that answers ${what}`, async (t) => {
    const { store, queue, ids, ended, process } = await onStage(t, { answers });
    const id = await ended();
    process();
    await queue.add('callback', id);
    await isTold(store, id);
    assert.equal((await store.callbacks.history(id)).told?.outcome, outcome);
    assert.equal(ids.length, calls);
    // Whoever delivers it again finds nothing to do.
    await queue.add('callback', id);
    await until('it is delivered', async () => (await queue.depth('callback')).waiting === 0);
    assert.equal(ids.length, calls);
  });
}

test('the last call that was lost with its worker is the last: it is given up', async (t) => {
  const { store, deliver, ids, ended } = await onStage(t, { maxCalls: 1 });
  const id = await ended();
  await store.callbacks.begin(id, { workerId: 'one that dies', leaseMs: 0, maxCalls: 1 });
  assert.equal(await deliver(id), 'skipped');
  assert.equal((await store.callbacks.history(id)).told?.outcome, 'given_up');
  assert.deepEqual(ids, []);
});

test('what was taken, by a worker that died before it could say so, is not told again', async (t) => {
  const { store, deliver, ids, ended } = await onStage(t, {});
  const id = await ended();
  const asked = await store.callbacks.begin(id, { workerId: 'one that dies', leaseMs: 60_000, maxCalls: 3 });
  assert.ok(asked.outcome === 'begun');
  await store.callbacks.end(asked.call, { statusCode: 204 });
  assert.equal(await deliver(id), 'skipped');
  assert.deepEqual((await store.callbacks.history(id)).told?.outcome, 'delivered');
  assert.deepEqual(ids, []);
});

test('a pause that the receiver asks for is kept, by the queue and by whoever looks after it', async (t) => {
  const { store, queue, deliver, look, ended } = await onStage(t, {
    answers: [{ statusCode: 503, retryAfterMs: 3_600_000 }],
  });
  const id = await ended();
  assert.equal(await deliver(id), 'failed');
  const nextAtMs = (await store.callbacks.history(id)).calls[0]?.nextAtMs ?? 0;
  assert.ok(nextAtMs > Date.now() + 3_500_000);
  await until('it is added', () => queue.deliveries('callback').delayed.length === 1);
  assert.equal(queue.deliveries('callback').delayed[0]?.notBeforeAtMs, nextAtMs);
  assert.equal(await deliver(id), 'skipped');
  assert.equal(await look(), true);
  assert.equal(queue.deliveries('callback').delayed.length, 1);
});

test('what the queue lost is found: what is due, and not what still runs or is being called', async (t) => {
  const { store, queue, look, ended } = await onStage(t, {});
  const running = aJob({ callbackUrl });
  await store.insert(running);
  const [due, called] = [await ended(), await ended()];
  await store.callbacks.begin(called, { workerId: 'w', leaseMs: 60_000, maxCalls: 3 });
  await look();
  assert.deepEqual(
    queue.deliveries('callback').waiting.map(({ id }) => id),
    [due],
  );
});

test('a receiver whose places are taken keeps nobody else waiting, and is called later', async (t) => {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const called: string[] = [];
  const makeCall: MakeCall = async ({ host }) => {
    called.push(host);
    if (host === 'slow.example') await held;
    return { statusCode: 200 };
  };
  const { store, queue, ended, process } = await onStage(t, { makeCall });
  const slow = await Promise.all(Array.from({ length: 20 }, () => ended({ callbackUrl: 'https://slow.example/' })));
  const other = await ended();
  process();
  for (const id of [...slow, other]) await queue.add('callback', id);
  await isTold(store, other);
  assert.equal(called.filter((host) => host === 'slow.example').length, 1);
  release();
  await isTold(store, slow[1] ?? '');
});

test('a job that has not ended, has no callback or is unknown is not told', async (t) => {
  const { store, deliver, ids, ended } = await onStage(t, {});
  const running = aJob({ callbackUrl });
  await store.insert(running);
  const { callbackUrl: _, ...silent } = aJob({ callbackUrl });
  await store.insert(silent);
  await store.finish(silent.id, 1, aResult());
  for (const id of [running.id, silent.id, aJob().id]) assert.equal(await deliver(id), 'skipped');
  assert.deepEqual(ids, []);
  assert.ok(await ended());
});
