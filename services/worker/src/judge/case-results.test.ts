/** What is kept of cases. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CaseResult, resultWithoutRun, type Verdict } from '@runlane/core';
import { skipped, streamBytesOf, toCaseResult, toJobResult } from './case-results.js';

const kept = (stdout: string | Buffer, streamBytes: number) =>
  toCaseResult(
    0,
    {},
    resultWithoutRun('succeeded', { stdout: Buffer.from(stdout as string) }),
    { verdict: 'accepted' },
    streamBytes,
  );

const judged = (index: number, verdict: Verdict, more: Partial<CaseResult> = {}): CaseResult => ({
  ...kept('', 0),
  index,
  verdict,
  ...more,
});

test('the most cases with the most output make a result far below what a store takes', () => {
  for (const cases of [1, 7, 16, 17, 200]) {
    const bytes = 2 * cases * streamBytesOf(cases);
    assert.ok(bytes <= 2 * 1024 * 1024, `${cases} cases keep ${bytes} bytes`);
    assert.ok(streamBytesOf(cases) >= 5_000);
  }
});

test('text is not cut within a character, and says that it was cut', () => {
  for (const [text, most, left] of [
    ['abc', 3, 'abc'],
    ['abcd', 3, 'abc'],
    ['aé', 2, 'a'],
    ['a😀', 4, 'a'],
    ['😀😀', 4, '😀'],
    ['é', 1, ''],
  ] as const) {
    const { stdout, stdoutTruncated } = kept(text, most);
    assert.deepEqual([Buffer.from(stdout).toString(), stdoutTruncated], [left, left !== text]);
  }
  assert.equal(kept(Buffer.alloc(10, 0x80), 5).stdout.length, 5);
});

test('a job is as good as its first bad case, and takes what the greediest case takes', () => {
  const cases = [
    judged(0, 'accepted', { wallTimeMs: 5, cpuTimeMs: 9, memoryPeakBytes: 1 }),
    judged(1, 'wrong_answer', { name: 'two', wallTimeMs: 7, message: 'line 1 is "x", which is not as expected' }),
    judged(2, 'runtime_error', { memoryPeakBytes: 3 }),
    skipped(3, { name: 'four' }),
  ];
  const result = toJobResult(cases, 'jail');
  assert.deepEqual(result.summary, {
    verdict: 'wrong_answer',
    total: 4,
    passed: 1,
    failed: 2,
    skipped: 1,
    firstFailure: 1,
  });
  assert.deepEqual(
    [result.status, result.exitCode, result.wallTimeMs, result.cpuTimeMs, result.memoryPeakBytes, result.isolation],
    ['failed', null, 7, 9, 3, 'jail'],
  );
  assert.equal(result.message, 'cases[1] ("two"): wrong_answer: line 1 is "x", which is not as expected');
  const good = toJobResult([judged(0, 'accepted')], 'jail');
  assert.deepEqual([good.status, good.summary?.verdict, good.message], ['succeeded', 'accepted', undefined]);
});
