import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { v7 as newId } from 'uuid';
import { createEmbeddedFactStore } from './adapters/embedded/facts.js';
import { createMongoFactStore } from './adapters/mongo/facts.js';
import { batchJobIds } from './batch.js';
import { testJobStore } from './job-store.contract.js';
import { createJobStore } from './job-store.js';
import { aBatch, aJob, aResult, silentLog as log } from './testing/jobs.js';
import { skipWithout, startMongoWire } from './testing/servers.js';

const folder = mkdtempSync(join(tmpdir(), 'runlane-store-'));
const skip = skipWithout('mongo-wire');
const server = skip ? (undefined as never) : await startMongoWire({ dir: join(folder, 'mongo') });
after(async () => {
  if (!skip) await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const openEmbedded = (name: string) => createEmbeddedFactStore({ folder: join(folder, name), log });

testJobStore('LMDB', async () => openEmbedded('contract'));
testJobStore('MongoDB', async () => createMongoFactStore({ url: server.url, dbName: 'contract', log }), skip);

test('a claim from the future, of a worker that died, is given to another when its lease has run out unrenewed', async (t) => {
  let elapsedMs = 0;
  const aheadMs = 3_600_000;
  const facts = openEmbedded('ahead');
  const open = (aheadByMs: number) =>
    createJobStore({
      facts,
      leaseMs: 1_000,
      maxAttempts: 3,
      now: () => 1e12 + aheadByMs + elapsedMs,
      monotonicNow: () => elapsedMs,
    });
  const [ahead, right] = [open(aheadMs), open(0)];
  t.after(() => right.close());
  const { id, ...job } = aJob();
  await right.insert({ id, ...job });
  const asked = await ahead.claim(id, 'exec', 'ahead');
  assert.ok(asked.outcome === 'claimed');
  // As long as it is renewed, it holds.
  for (const _ of [1, 2]) {
    elapsedMs += 900;
    await ahead.heartbeat(asked.claim, 'ahead');
    assert.equal((await right.claim(id, 'exec', 'right')).outcome, 'held');
    assert.equal((await right.get(id))?.status, 'running');
    assert.equal((await right.standings([id])).get(id)?.status, 'running');
  }
  elapsedMs += 999;
  assert.equal((await right.claim(id, 'exec', 'right')).outcome, 'held');
  elapsedMs += 1;
  assert.equal((await right.get(id))?.status, 'accepted');
  assert.equal((await right.standings([id])).get(id)?.status, 'accepted');
  assert.equal(await right.isHeld(id), false);
  const again = await right.claim(id, 'exec', 'right');
  assert.ok(again.outcome === 'claimed');
  assert.equal(again.claim.attempt, 2);
});

test('expiry removes the oldest finished jobs with every fact of theirs, up to its limit', async (t) => {
  const facts = openEmbedded('expiry');
  const store = createJobStore({ facts, leaseMs: 1_000, maxAttempts: 3 });
  t.after(() => store.close());
  const jobs = [1, 2, 3, 4].map((createdAtMs) => aJob({ createdAtMs }));
  for (const { id, ...job } of jobs) {
    await store.insert({ id, ...job });
    const asked = await store.claim(id, 'save', 'w');
    if (asked.outcome === 'claimed') await store.release(asked.claim, 'w', 'handed_back');
    await store.claim(id, 'save', 'w');
    await store.claim(id, 'exec', 'w');
    await store.markSaved(id, { artifactDigest: '' });
    await store.cancel(id);
    // The second goes on.
    if (job.createdAtMs !== 2) await store.finish(id, 1, aResult());
  }
  assert.equal(await store.expire(4, 1), 1);
  assert.equal(await store.expire(4, 10), 1);
  assert.equal(await store.expire(4, 10), 0);
  const left = await Promise.all(jobs.map(async ({ id }) => (await store.get(id))?.job.createdAtMs));
  assert.deepEqual(left, [undefined, 2, undefined, 4]);
  assert.equal(await facts.count('attempts'), 6);
  for (const kind of ['saved', 'cancellations', 'jobs'] as const) assert.equal(await facts.count(kind), 2);
  assert.equal(await facts.count('results'), 1);
  assert.equal(await facts.count('inflight'), 1);
});

test('jobs of a batch expire once the batch has, and only then', async (t) => {
  const facts = openEmbedded('batches');
  const store = createJobStore({ facts, leaseMs: 1_000, maxAttempts: 3 });
  t.after(() => store.close());
  const { batch, jobs } = aBatch(2, { createdAtMs: 1 });
  const ids = jobs.map(({ id }) => id) as [string, string];
  await store.insertBatch(batch, jobs);
  await store.finish(ids[0], 1, aResult());
  assert.deepEqual([await store.expireBatches(2), await store.expire(2, 10)], [0, 0]);
  await store.finish(ids[1], 1, aResult());
  assert.equal(await store.expire(2, 10), 0);
  assert.deepEqual([await store.expireBatches(2), await store.expire(2, 10)], [1, 2]);
  for (const kind of ['batches', 'jobs', 'results', 'inflight'] as const) assert.equal(await facts.count(kind), 0);
});

test('ids of a batch are UUIDv7s of its time, in the order of submission, each its own and always the same', () => {
  const id = newId();
  const ids = batchJobIds(id, 1_000);
  assert.deepEqual(batchJobIds(id, 1_000), ids);
  assert.deepEqual(ids.toSorted(), ids);
  assert.equal(new Set([...ids, ...batchJobIds(newId(), 1_000)]).size, 2_000);
  for (const each of ids) {
    assert.match(each, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.equal(each.slice(0, 13), id.slice(0, 13));
  }
});

test('whichever write of a batch is the last before a crash, repeating it makes it whole', async (t) => {
  const facts = openEmbedded('cut off');
  t.after(() => facts.close());
  const options = { leaseMs: 1_000, maxAttempts: 3 };
  for (let writes = 0; ; writes += 1) {
    let left = writes;
    const crash = () => {
      if (left === 0) throw new Error('crashed');
      left -= 1;
    };
    const cutOff = createJobStore({
      ...options,
      facts: {
        ...facts,
        async insert(...args) {
          crash();
          return facts.insert(...args);
        },
        async insertAll(...args) {
          crash();
          return facts.insertAll(...args);
        },
      },
    });
    const { batch, jobs } = aBatch(250);
    const isCut = await cutOff.insertBatch(batch, jobs).then(
      () => false,
      () => true,
    );
    const store = createJobStore({ ...options, facts });
    assert.equal((await store.batch(batch.id)) === undefined, isCut, 'nobody finds a batch that lacks jobs');
    await store.insertBatch(batch, jobs);
    assert.deepEqual(await store.batch(batch.id), batch);
    assert.equal(await facts.count('jobs'), (writes + 1) * 250);
    assert.equal(await facts.count('inflight'), (writes + 1) * 250);
    if (!isCut) {
      // Three times some jobs, then the batch.
      assert.equal(writes, 4);
      return;
    }
  }
});
