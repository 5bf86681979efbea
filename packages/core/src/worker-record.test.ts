import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createEmbeddedFactStore } from './adapters/embedded/facts.js';
import { silentLog as log } from './testing/jobs.js';
import { createWorkerRecords } from './worker-record.js';

test('workers are told of as they last were, until they leave or have not been seen for long', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'runlane-workers-'));
  const facts = createEmbeddedFactStore({ folder, log });
  t.after(async () => {
    await facts.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const workers = createWorkerRecords(facts);
  const record = (used: number) => ({
    startedAtMs: 1,
    seenAtMs: Date.now(),
    slots: { total: 4, used },
    ended: { failed: 2 },
  });
  await workers.put('a', record(1));
  await workers.put('a', record(2));
  await workers.put('b', record(3));
  assert.deepEqual(
    (await workers.all()).map(({ id, slots, ended }) => [id, slots.used, ended]),
    [
      ['a', 2, { failed: 2 }],
      ['b', 3, { failed: 2 }],
    ],
  );
  await workers.remove('b');
  assert.equal((await workers.all()).length, 1);
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 11 * 60_000 });
  assert.deepEqual(await workers.all(), []);
  assert.deepEqual(await facts.scan('workers', { limit: 10 }), []);
});
