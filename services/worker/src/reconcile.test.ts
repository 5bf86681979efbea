/** What is removed when its time has come, and in which order. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { createCloser, digestOf } from '@runlane/core';
import { openPorts } from '@runlane/core/adapters';
import { aJob, aResult, silentLog as log, until } from '@runlane/core/testing';
import type { WorkerContext } from './context.js';
import { createReconciler } from './reconcile.js';

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

test('files of a result are kept for longer than its job, though their use was noted late', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'runlane-reconcile-'));
  const ofJob = await keepFile(folder, 'of the job', 1.15 * HOUR_MS);
  const old = await keepFile(folder, 'old', 3 * HOUR_MS);
  const closer = createCloser({ graceMs: 2_000, log });
  const config = { LEASE_SECONDS: 2_000, MAX_ATTEMPTS: 3, MONGO_URL: undefined, REDIS_URL: undefined };
  const { store, artifacts, openQueue } = await openPorts({ ...config, DATA_DIR: folder }, { closer, log });
  const [past, young] = [1.5 * HOUR_MS, 0.98 * HOUR_MS].map((agoMs) => aJob({ createdAtMs: Date.now() - agoMs }));
  assert.ok(past && young);
  const files = [{ path: 'a', contentType: 'text/plain', sizeBytes: 10, sha256: ofJob }];
  for (const { id, ...job } of [past, young]) {
    await store.insert({ id, ...job });
    await store.finish(id, 1, aResult('succeeded', { files }));
  }
  // What the reconciler of this test works with: it delivers nothing, so it needs no runner.
  const context = { store, artifacts, queue: openQueue.queue, log } as unknown as WorkerContext;
  const reconciler = createReconciler(context, { graceMs: 60_000, retentionMs: HOUR_MS });
  try {
    // Looked for on the disk: asking the store for it would be use.
    await until('what is old is gone', () => !existsSync(pathOf(folder, old)));
    assert.equal(await store.get(past.id), undefined);
    assert.deepEqual((await store.get(young.id))?.result?.files, files);
    assert.equal((await artifacts.get(ofJob))?.length, 10);
  } finally {
    reconciler.close();
    await closer.close();
    await rm(folder, { recursive: true, force: true });
  }
});
