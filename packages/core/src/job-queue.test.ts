import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Redis } from 'ioredis';
import { v7 as newId } from 'uuid';
import { createBullJobQueue } from './adapters/bull/job-queue.js';
import { createEmbeddedJobQueue } from './adapters/embedded/job-queue.js';
import { testJobQueue } from './job-queue.contract.js';
import { silentLog as log, timeOf, until } from './testing/jobs.js';
import { skipWithout, startRedis } from './testing/servers.js';

testJobQueue('embedded', async () => createEmbeddedJobQueue(() => {}));

const skip = skipWithout('redis-server');
const folder = mkdtempSync(join(tmpdir(), 'runlane-queue-'));
const server = skip ? (undefined as never) : await startRedis({ dir: folder });
const admin = skip ? (undefined as never) : new Redis(server.url, { retryStrategy: () => 50 });
if (!skip) admin.on('error', () => {});
after(async () => {
  if (!skip) {
    admin.disconnect();
    await server.stop();
  }
  rmSync(folder, { recursive: true, force: true });
});

const open = () => createBullJobQueue({ url: server.url, log });

/** A queue with nothing in it, and what its handler was given. */
async function openProcessing(t: { after(close: () => Promise<void>): void }) {
  await admin.flushall();
  const queue = open();
  t.after(() => queue.close());
  const delivered: string[] = [];
  queue.process('exec', 2, async (id) => void delivered.push(id));
  const first = newId();
  await queue.add('exec', first);
  await until('it processes', () => delivered.includes(first));
  return { queue, delivered };
}

/** As the reconciler does: add, and again where that failed, until it is delivered. */
const addUntilDelivered = ({ queue, delivered }: Awaited<ReturnType<typeof openProcessing>>, id: string) =>
  until(
    `${id} is delivered`,
    async () => {
      await queue.add('exec', id).catch(() => {});
      return delivered.includes(id);
    },
    20_000,
  );

testJobQueue(
  'Bull',
  async () => {
    await admin.flushall();
    return open();
  },
  skip,
);

test('with Redis frozen, adding to the Bull queue fails within 2 s; once it is back the queue goes on', {
  skip,
}, async (t) => {
  const processing = await openProcessing(t);
  await server.kill('SIGSTOP');
  try {
    const tookMs = await timeOf(() => assert.rejects(() => processing.queue.add('exec', newId())));
    assert.ok(tookMs < 2_000, `${tookMs} ms`);
    await assert.rejects(() => processing.queue.ping());
    await assert.rejects(() => processing.queue.depth('exec'));
  } finally {
    await server.kill('SIGCONT');
  }
  await addUntilDelivered(processing, newId());
});

test('with no Redis at all, adding to the Bull queue fails at once, and closing it ends', { skip }, async () => {
  const queue = createBullJobQueue({ url: 'redis://127.0.0.1:1', log });
  queue.process('exec', 2, async () => {});
  const tookMs = await timeOf(() => assert.rejects(() => queue.add('exec', newId())));
  assert.ok(tookMs < 1_000, `${tookMs} ms`);
  await queue.pause();
  await queue.close();
});

test('the first add on a new Bull queue waits for its connection instead of failing', { skip }, async (t) => {
  for (let n = 0; n < 5; n += 1) {
    const queue = open();
    t.after(() => queue.close());
    await queue.add('save', newId());
  }
});

test('the first question for the depth of a new Bull queue waits for its connection, too', { skip }, async (t) => {
  for (let n = 0; n < 5; n += 1) {
    const queue = open();
    t.after(() => queue.close());
    assert.equal(typeof (await queue.depth('save')).waiting, 'number');
  }
});

test('when Redis was killed and started again, empty, the Bull queue goes on', { skip }, async (t) => {
  const processing = await openProcessing(t);
  const id = newId();
  await server.kill('SIGKILL');
  await assert.rejects(() => processing.queue.add('exec', id));
  await server.restart();
  await addUntilDelivered(processing, id);
});

test('after FLUSHALL and SCRIPT FLUSH the Bull queue goes on, with a job that was waiting and one being handled', {
  skip,
}, async (t) => {
  await admin.flushall();
  const queue = open();
  t.after(() => queue.close());
  const [held, waiting] = [newId(), newId()];
  const delivered: string[] = [];
  let release: (() => void) | undefined;
  queue.process('exec', 1, async (id) => {
    delivered.push(id);
    if (release) return;
    await new Promise<void>((resolve) => {
      release = resolve;
    });
  });
  await queue.add('exec', held);
  await until('one is being handled', () => delivered.length === 1);
  await queue.add('exec', waiting);
  await admin.flushall();
  await admin.script('FLUSH');
  release?.();
  await addUntilDelivered({ queue, delivered }, waiting);
  delivered.length = 0;
  await addUntilDelivered({ queue, delivered }, held);
});

test('a job whose hash was left behind in Redis, in no list, is delivered all the same', { skip }, async (t) => {
  const processing = await openProcessing(t);
  const id = newId();
  await admin.hset(`bull:code-exec:${id}`, 'processedOn', '1');
  await addUntilDelivered(processing, id);
});

test('a delivery that was taken without a lock, its worker killed, is made again', { skip }, async (t) => {
  const processing = await openProcessing(t);
  const id = newId();
  // What BRPOPLPUSH leaves when its caller dies before it can lock the job.
  await admin
    .multi()
    .hset(`bull:code-exec:${id}`, {
      name: '__default__',
      data: '{}',
      opts: '{}',
      timestamp: '1',
      delay: '0',
      priority: '1',
    })
    .lpush('bull:code-exec:active', id)
    .exec();
  await until('it is delivered', () => processing.delivered.includes(id), 20_000);
});

test('the Bull queue refuses ids that would be keys of its own', { skip }, async (t) => {
  const queue = open();
  t.after(() => queue.close());
  for (const id of ['wait', 'active', 'id', 'a:lock', '']) await assert.rejects(() => queue.add('exec', id));
});

test('the Bull queue keeps nothing of a job that was handled, and of one before only whose it is', {
  skip,
}, async (t) => {
  const { queue, delivered } = await openProcessing(t);
  const id = newId();
  await queue.add('save', id, { ownerId: 'somebody', priority: 5 });
  assert.equal(
    await admin.hget(`bull:code-save:${id}`, 'data'),
    JSON.stringify({ id, ownerId: 'somebody', priority: 5 }),
  );
  const other = newId();
  await queue.add('exec', other);
  await until(
    'it is handled',
    async () => delivered.includes(other) && !(await admin.exists(`bull:code-exec:${other}`)),
  );
});

const names = (pattern: string) => admin.keys(pattern);

test('of one owner, at most twice as many deliveries as there are slots are in Bull, and in the end nothing is left', {
  skip,
}, async (t) => {
  await admin.flushall();
  const queue = open();
  t.after(() => queue.close());
  await queue.setSlots(3);
  const ids = Array.from({ length: 40 }, () => newId());
  for (const id of ids) await queue.add('exec', id, { ownerId: 'somebody' });
  assert.equal(await admin.llen('bull:code-exec:wait'), 6);
  assert.equal((await queue.depth('exec')).waiting, 40);
  const delivered: string[] = [];
  queue.process('exec', 2, async (id) => void delivered.push(id));
  await until('all are delivered', () => delivered.length === 40);
  assert.deepEqual(delivered.toSorted(), ids);
  await until('nothing is kept of them', async () => (await names('runlane:queue:code-exec:*')).length === 1);
  assert.deepEqual(await names('runlane:queue:code-exec:*'), ['runlane:queue:code-exec:clock']);
});

test('when all that was brought forward is lost, and nobody says so, the others are brought forward all the same', {
  skip,
}, async (t) => {
  await admin.flushall();
  const queue = open();
  t.after(() => queue.close());
  await queue.setSlots(2);
  const ids = Array.from({ length: 9 }, () => newId());
  const expected = ids.map((id) => ({ id, ownerId: 'somebody' }));
  for (const { id, ownerId } of expected) await queue.add('exec', id, { ownerId });
  // As when workers are killed between the end of a delivery and letting the next one in.
  await admin.del(...(await names('bull:code-exec:*')));
  const delivered: string[] = [];
  queue.process('exec', 1, async (id) => void delivered.push(id));
  const lost = await queue.missing('exec', expected);
  assert.deepEqual(lost, new Set(ids.slice(0, 4)));
  for (const id of lost) await queue.add('exec', id, { ownerId: 'somebody' });
  await until('all are delivered', () => delivered.length === 9);
});
