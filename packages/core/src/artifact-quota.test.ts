/** How an artifact store is kept below its bound while artifacts are put. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createFileArtifactStore } from './adapters/filesystem/artifact-store.js';
import { withQuota } from './artifact-quota.js';
import { digestOf } from './artifact-store.js';
import { silentLog as log } from './testing/jobs.js';

const folder = await mkdtemp(join(tmpdir(), 'runlane-quota-'));
after(() => rm(folder, { recursive: true, force: true }));

const SIZE = 40_960;
const MAX_BYTES = 100 * SIZE;

async function fill(store: ReturnType<typeof createFileArtifactStore>, count: number): Promise<string[]> {
  const digests: string[] = [];
  for (let n = 0; n < count; n += 1) digests.push(await store.put(randomBytes(SIZE)));
  return digests;
}

async function countHere(store: ReturnType<typeof createFileArtifactStore>, digests: string[]): Promise<number> {
  const found = await Promise.all(digests.map((digest) => store.get(digest)));
  return found.filter(Boolean).length;
}

test('a store with a bound stays below it while it is put into, and keeps what was put last', async () => {
  const store = createFileArtifactStore(join(folder, 'bounded'));
  const digests = await fill(withQuota(store, { maxBytes: MAX_BYTES, log }), 400);
  const here = await countHere(store, digests);
  assert.ok(here > 80 && here <= 100, `${here} are here`);
  assert.equal(await countHere(store, digests.slice(-50)), 50);
  const unbounded = createFileArtifactStore(join(folder, 'unbounded'));
  assert.equal(await countHere(unbounded, await fill(unbounded, 400)), 400);
});

test('what is too much already goes when what is old does', async () => {
  const store = createFileArtifactStore(join(folder, 'before'));
  const digests = await fill(store, 200);
  await withQuota(store, { maxBytes: MAX_BYTES, log }).expire(0);
  assert.equal(await countHere(store, digests), 90);
});

test('a store that cannot be looked at takes what is put all the same', async () => {
  const store = createFileArtifactStore(join(folder, 'broken'));
  const broken = { ...store, evict: () => Promise.reject(new Error('away')) };
  const bytes = randomBytes(MAX_BYTES);
  assert.equal(await withQuota(broken, { maxBytes: MAX_BYTES, log }).put(bytes), digestOf(bytes));
});
