import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VARIABLES } from '@runlane/core';
import { pauseAfter, readRetryAfter } from './schedule.js';

const HOUR_MS = 3_600_000;
const pause = (number: number, more: object = {}) =>
  pauseAfter({ number, firstPauseMs: 5_000, random: () => 0.5, ...more });

test('pauses grow fourfold, up to six hours', () => {
  assert.deepEqual(
    [1, 2, 3, 4, 7, 8, 9, 100].map((number) => pause(number) / 1_000),
    [5, 20, 80, 320, 20_480, 21_600, 21_600, 21_600],
  );
});

test('with the usual settings, all calls together take about a day', () => {
  const calls = Number(VARIABLES.WEBHOOK_ATTEMPTS.fallback);
  const firstPauseMs = Number(VARIABLES.WEBHOOK_RETRY_SECONDS.fallback) * 1_000;
  let allMs = 0;
  for (let number = 1; number < calls; number += 1) allMs += pause(number, { firstPauseMs });
  assert.ok(allMs > 20 * HOUR_MS && allMs < 30 * HOUR_MS, `${allMs / HOUR_MS} h`);
});

test('a quarter more or less keeps those apart that failed together', () => {
  assert.deepEqual([pause(1, { random: () => 0 }), pause(1, { random: () => 1 })], [3_750, 6_250]);
});

test('a receiver may have a longer pause, within bounds, and no shorter one', () => {
  assert.equal(pause(1, { retryAfterMs: 60_000 }), 60_000);
  assert.equal(pause(1, { retryAfterMs: 1_000 }), 5_000);
  assert.equal(pause(1, { retryAfterMs: 1_000 * HOUR_MS }), 6 * HOUR_MS);
});

test('Retry-After is seconds or a date, and anything else is nothing', () => {
  const nowMs = Date.parse('2026-01-31T12:00:00Z');
  const read = (value: string | undefined) => readRetryAfter(value, nowMs);
  assert.equal(read('120'), 120_000);
  assert.equal(read('0'), 0);
  assert.equal(read('Sat, 31 Jan 2026 12:01:00 GMT'), 60_000);
  assert.equal(read('Sat, 31 Jan 2026 11:00:00 GMT'), 0);
  for (const odd of [undefined, '', 'soon', '-5', '99999999999999999999']) assert.equal(read(odd), undefined, odd);
});
