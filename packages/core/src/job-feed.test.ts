import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Redis } from 'ioredis';
import { v7 as newId } from 'uuid';
import { createEmbeddedJobFeed } from './adapters/embedded/job-feed.js';
import { createRedisJobFeed } from './adapters/redis/job-feed.js';
import { testJobFeed } from './job-feed.contract.js';
import type { JobFeed } from './job-feed.js';
import { silentLog as log, timeOf, until } from './testing/jobs.js';
import { skipWithout, startRedis } from './testing/servers.js';

testJobFeed('embedded', async () => createEmbeddedJobFeed());

const skip = skipWithout('redis-server');
const folder = mkdtempSync(join(tmpdir(), 'runlane-feed-'));
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

const open = () => createRedisJobFeed({ url: server.url, log });

testJobFeed('Redis', async () => open(), skip);

const line = (n: number) => ({ id: `1-${n}`, type: 'stdout', data: Buffer.from(String(n)) }) as const;

/** Append, and again while Redis is not back, as one who does not give up. */
const appendAtLast = (feed: JobFeed, id: string, event: Parameters<JobFeed['append']>[1]) =>
  until('it is appended', () => feed.append(id, event).catch(() => false));

test('one Redis feed shows what another appended, in another process', { skip }, async (t) => {
  const [writer, reader] = [open(), open()];
  t.after(() => Promise.all([writer.close(), reader.close()]));
  const id = newId();
  const seen: string[] = [];
  const reading = (async () => {
    for await (const event of reader.read(id, undefined, AbortSignal.timeout(10_000))) seen.push(event.id);
  })();
  await writer.append(id, line(1));
  await writer.append(id, { id: '1-2', type: 'end' });
  await reading;
  assert.deepEqual(seen, ['1-1', '1-2']);
  const hears: string[] = [];
  const stop = reader.onWish(id, ({ type }) => hears.push(type));
  await until('the wish is heard', async () => {
    await writer.wish(id, { type: 'cancel' });
    return hears.length > 0;
  });
  stop();
});

test('with Redis frozen, appending fails within 1 s, then at once, and a reader goes on when it is back', {
  skip,
}, async (t) => {
  const feed = open();
  t.after(() => feed.close());
  const id = newId();
  await feed.append(id, line(1));
  const seen: string[] = [];
  const reading = (async () => {
    for await (const event of feed.read(id, undefined, AbortSignal.timeout(20_000))) seen.push(event.id);
  })();
  await until('the reader reads', () => seen.length === 1);
  await server.kill('SIGSTOP');
  try {
    const firstMs = await timeOf(() => assert.rejects(() => feed.append(id, line(2))));
    const secondMs = await timeOf(() => assert.rejects(() => feed.append(id, line(3))));
    assert.ok(firstMs < 1_000 && secondMs < 100, `${firstMs} ms, then ${secondMs} ms`);
    await assert.rejects(() => feed.wish(id, { type: 'cancel' }));
    const patience = AbortSignal.timeout(5_000);
    await assert.rejects(() => feed.appendInput(id, 1, { type: 'close_stdin' }, patience), /./);
    assert.equal(patience.aborted, false);
    assert.equal(await feed.has(id, '1-1'), false);
  } finally {
    await server.kill('SIGCONT');
  }
  await appendAtLast(feed, id, { id: '1-4', type: 'end' });
  await reading;
  assert.equal(seen.at(-1), '1-4');
});

test('when Redis was killed and started again, empty, a feed goes on with what comes then', { skip }, async (t) => {
  const feed = open();
  t.after(() => feed.close());
  const id = newId();
  await feed.append(id, line(1));
  const seen: string[] = [];
  const reading = (async () => {
    for await (const event of feed.read(id, undefined, AbortSignal.timeout(20_000))) seen.push(event.id);
  })();
  await until('the reader reads', () => seen.length === 1);
  await server.kill('SIGKILL');
  await assert.rejects(() => feed.append(id, line(2)));
  await server.restart();
  await appendAtLast(feed, id, line(3));
  assert.equal(await feed.has(id, '1-1'), false);
  await appendAtLast(feed, id, { id: '1-4', type: 'end' });
  await reading;
  assert.deepEqual(seen, ['1-1', '1-3', '1-4']);
});

test('a feed in Redis frees itself: a subscription with its last reader, the stream some time after its last event', {
  skip,
}, async (t) => {
  const feed = open();
  t.after(() => feed.close());
  const id = newId();
  await feed.append(id, line(1));
  for await (const _ of feed.read(id, undefined, AbortSignal.timeout(10_000))) break;
  await until('nobody is subscribed', async () => (await admin.pubsub('CHANNELS', `*${id}*`)).length === 0);
  assert.ok((await admin.pttl(`runlane:feed:${id}`)) > 3_000_000);
  await feed.append(id, { id: '1-2', type: 'end' });
  const leftMs = await admin.pttl(`runlane:feed:${id}`);
  assert.ok(leftMs > 0 && leftMs <= 60_000);
});

test('with no Redis at all, a run is not kept waiting by its feed', { skip }, async (t) => {
  const feed = createRedisJobFeed({ url: 'redis://127.0.0.1:1', log });
  t.after(() => feed.close());
  const tookMs = await timeOf(async () => {
    for (let n = 1; n <= 100; n += 1) await assert.rejects(() => feed.append(newId(), line(n)));
  });
  assert.ok(tookMs < 1_000, `${tookMs} ms`);
});
