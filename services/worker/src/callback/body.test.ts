import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type JobView, type Result, toJobJson } from '@runlane/core';
import { aJob, aResult } from '@runlane/core/testing';
import { bodyOf } from './body.js';

const viewOf = (more: Partial<Result> = {}): JobView => ({
  job: aJob({ metadata: { exercise: '7' }, callbackUrl: 'https://example.org/?token=secret' }),
  status: 'succeeded',
  attempt: 1,
  startedAtMs: 1,
  finishedAtMs: 2,
  result: aResult('succeeded', more),
});
const toldOf = (more: Partial<Result> = {}) => JSON.parse(bodyOf(viewOf(more))) as ReturnType<typeof toJobJson>;

test('the body is the job as REST gives it, without the address that it goes to', () => {
  const view = viewOf();
  assert.deepEqual(JSON.parse(bodyOf(view)), JSON.parse(JSON.stringify(toJobJson(view))));
  assert.ok(!bodyOf(view).includes('token=secret'));
});

test('of much output the beginning is told, and that it is not all', () => {
  const { result } = toldOf({ stdout: Buffer.alloc(70_000, 'a'), stderr: Buffer.from('all of it') });
  assert.deepEqual(
    [result?.stdout.length, result?.stdoutTruncated, result?.stderr, result?.stderrTruncated],
    [65_536, true, 'all of it', false],
  );
});

test('text stays text where it is cut', () => {
  const { result } = toldOf({ stdout: Buffer.from(`a${'é'.repeat(40_000)}`) });
  assert.deepEqual([result?.stdoutEncoding, result?.stdout.at(-1)], [undefined, 'é']);
});

test('a job with as much as there may be is told in a few megabytes', () => {
  const cases = Array.from({ length: 200 }, (_, index) => ({
    index,
    verdict: 'wrong_answer' as const,
    exitCode: 1,
    signal: null,
    stdout: Buffer.alloc(5_000),
    stderr: Buffer.alloc(5_000),
    stdoutTruncated: false,
    stderrTruncated: false,
    wallTimeMs: 1,
    cpuTimeMs: 1,
    memoryPeakBytes: 1,
  }));
  const much = Buffer.alloc(4_000_000);
  const compile = { exitCode: 1, diagnostics: much, wallTimeMs: 1 };
  const body = bodyOf(viewOf({ stdout: much, stderr: much, cases, compile, checkerCompile: compile }));
  assert.ok(body.length < 5_000_000, `${body.length}`);
});
