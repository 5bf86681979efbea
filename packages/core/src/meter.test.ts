import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createEmbeddedMeter } from './adapters/embedded/meter.js';
import { createRedisMeters } from './adapters/redis/meter.js';
import { testMeter } from './meter.contract.js';
import { silentLog as log } from './testing/jobs.js';
import { skipWithout, startRedis } from './testing/servers.js';

testMeter('embedded', (_, windowSeconds) => createEmbeddedMeter(windowSeconds));

const skip = skipWithout('redis-server');
const folder = mkdtempSync(join(tmpdir(), 'runlane-meter-'));
const server = skip ? (undefined as never) : await startRedis({ dir: folder });
const meters = skip ? (undefined as never) : createRedisMeters({ url: server.url, log });
after(async () => {
  if (!skip) {
    await meters.close();
    await server.stop();
  }
  rmSync(folder, { recursive: true, force: true });
});

testMeter('Redis', (name, windowSeconds) => meters.create(name, windowSeconds), skip);

test('two processes count together in Redis', { skip }, async () => {
  const others = createRedisMeters({ url: server.url, log });
  await meters.create('shared', 60).add('a', 2);
  assert.equal((await others.create('shared', 60).add('a', 1)).amount, 3);
  await others.close();
});

test('without its Redis a meter counts by itself', async () => {
  const alone = createRedisMeters({ url: 'redis://127.0.0.1:9', log });
  const meter = alone.create('alone', 60);
  await meter.add('a', 2);
  assert.equal((await meter.add('a', 1)).amount, 3);
  assert.equal((await meter.add('a', 0)).amount, 3);
  await alone.close();
});
