/** What is removed when its time has come, and in which order. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createCloser, digestOf } from '@runlane/core';
import { type OpenPorts, openPorts } from '@runlane/core/adapters';
import { aBatch, aJob, aResult, silentLog as log, until } from '@runlane/core/testing';
import type { WorkerContext } from './context.js';
import { createReconciler, type Reconciler } from './reconcile.js';

const HOUR_MS = 3_600_000;

const pathOf = (folder: string, digest: string) => join(folder, 'artifacts', digest.slice(0, 2), digest);

/** Bytes in the file store, last used some time ago as far as the disk tells. */
async function keepFile(folder: string, text: string, usedAgoMs: number): Promise<string> {
  const digest = digestOf(Buffer.from(text));
  const path = pathOf(folder, digest);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  const usedAt = new Date(Date.now() - usedAgoMs);
  await utimes(path, usedAt, usedAt);
  return digest;
}

interface Stage extends OpenPorts {
  readonly folder: string;
  /** A reconciler that takes what is an hour old for past; it delivers nothing, so it needs no runner. */
  start(): void;
}

async function onStage(t: TestContext): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'runlane-reconcile-'));
  const closer = createCloser({ graceMs: 2_000, log });
  const config = { LEASE_SECONDS: 2_000, MAX_ATTEMPTS: 3, MONGO_URL: undefined, REDIS_URL: undefined };
  const ports = await openPorts({ ...config, DATA_DIR: folder }, { closer, log });
  let reconciler: Reconciler | undefined;
  t.after(async () => {
    reconciler?.close();
    await closer.close();
    await rm(folder, { recursive: true, force: true });
  });
  const context = { ...ports, queue: ports.openQueue.queue, log } as unknown as WorkerContext;
  return {
    ...ports,
    folder,
    start() {
      reconciler = createReconciler(context, { graceMs: 60_000, retentionMs: HOUR_MS });
    },
  };
}

test('files of a result are kept for longer than its job, though their use was noted late', async (t) => {
  const { store, artifacts, folder, start } = await onStage(t);
  const ofJob = await keepFile(folder, 'of the job', 1.15 * HOUR_MS);
  const old = await keepFile(folder, 'old', 3 * HOUR_MS);
  const [past, young] = [1.5 * HOUR_MS, 0.98 * HOUR_MS].map((agoMs) => aJob({ createdAtMs: Date.now() - agoMs }));
  assert.ok(past && young);
  const files = [{ path: 'a', contentType: 'text/plain', sizeBytes: 10, sha256: ofJob }];
  for (const { id, ...job } of [past, young]) {
    await store.insert({ id, ...job });
    await store.finish(id, 1, aResult('succeeded', { files }));
  }
  start();
  // Looked for on the disk: asking the store for it would be use.
  await until('what is old is gone', () => !existsSync(pathOf(folder, old)));
  assert.equal(await store.get(past.id), undefined);
  assert.deepEqual((await store.get(young.id))?.result?.files, files);
  assert.equal((await artifacts.get(ofJob))?.length, 10);
});

test('what a queue lost of a batch is delivered behind other jobs, and a batch that is past goes with its jobs', async (t) => {
  const { store, openQueue, start } = await onStage(t);
  const [past, young] = [aBatch(2, { createdAtMs: Date.now() - 2 * HOUR_MS }), aBatch(2)];
  const single = aJob();
  await store.insertBatch(past.batch, past.jobs);
  for (const { id } of past.jobs) await store.finish(id, 1, aResult());
  await store.insertBatch(young.batch, young.jobs);
  await store.insert(single);
  start();
  assert.ok(openQueue.kind === 'embedded');
  const { queue } = openQueue;
  await until('all are delivered', () => queue.deliveries('save').waiting.length === 3);
  const delivered = queue.deliveries('save').waiting.map(({ id }) => id);
  assert.deepEqual(
    delivered,
    [single, ...young.jobs].map(({ id }) => id),
  );
  await until('what is past is gone', async () => !(await store.job(past.jobs[1]?.id ?? '')));
  assert.equal(await store.batch(past.batch.id), undefined);
  assert.ok(await store.batch(young.batch.id));
});
