import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endedByStatus, type PlatformStatus, rateBetween, type WorkerStatus } from './status.js';

const worker = (id: string, ended: WorkerStatus['ended']): WorkerStatus => ({
  id,
  available: true,
  startedAt: '',
  seenAt: '',
  slots: { total: 4, used: 0 },
  ended,
});
const at = (second: number, ...workers: WorkerStatus[]): PlatformStatus => ({
  version: '0',
  now: new Date(second * 1_000).toISOString(),
  unfinishedJobs: 0,
  queues: [],
  workers,
  runners: [],
});

test('rates are of all workers, those included that came, and without those that went', () => {
  const before = at(10, worker('a', { succeeded: 10, error: 1 }), worker('gone', { succeeded: 99 }));
  const now = at(12, worker('a', { succeeded: 14, error: 2 }), worker('new', { failed: 5 }));
  assert.deepEqual(rateBetween(before, now), { atMs: 12_000, ended: 5, errors: 0.5 });
  assert.equal(rateBetween(now, now), undefined);
});

test('a worker that begins anew under its name takes nothing away', () => {
  const rate = rateBetween(at(0, worker('a', { succeeded: 10 })), at(1, worker('a', { succeeded: 2 })));
  assert.equal(rate?.ended, 0);
});

test('counts are put together, the most frequent first', () => {
  const workers = [worker('a', { succeeded: 1, failed: 5 }), worker('b', { succeeded: 9 })];
  assert.deepEqual(endedByStatus(workers), [
    ['succeeded', 10],
    ['failed', 5],
  ]);
});
