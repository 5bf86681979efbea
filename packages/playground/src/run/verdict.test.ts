import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Job } from '@runlane/client';
import { STATUSES } from '@runlane/contract';
import { factsOf, formatBytes, formatMs, wordsFor } from './verdict.js';

test('every status has words of its own, and one that is not known yet is shown as it is', () => {
  const titles = STATUSES.map((status) => wordsFor(status).title);
  assert.equal(new Set(titles).size, STATUSES.length);
  assert.ok(titles.every((title) => !title.includes('_')));
  assert.equal(wordsFor('paused').title, 'paused');
});

test('times and sizes are in the unit that is read most easily', () => {
  assert.deepEqual([0, 999, 1_000, 12_345].map(formatMs), ['0 ms', '999 ms', '1.00 s', '12.3 s']);
  assert.deepEqual([0, 1_023, 1_536, 20_480, 3_145_728].map(formatBytes), [
    '0 B',
    '1023 B',
    '1.5 KiB',
    '20 KiB',
    '3.0 MiB',
  ]);
});

test('what a run took is said of a program that ran, and not of one that does not compile', () => {
  const result = { exitCode: null, signal: null, wallTimeMs: 0, cpuTimeMs: 0, memoryPeakBytes: 0 };
  const facts = (status: string) => factsOf({ status, result } as Job).map(([name]) => name);
  assert.deepEqual(facts('failed'), ['Time', 'CPU', 'Memory']);
  assert.deepEqual(facts('compile_failed'), []);
});
