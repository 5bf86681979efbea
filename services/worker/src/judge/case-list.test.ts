/** Which verdicts count, whatever the order in which cases end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resultWithoutRun, type Verdict } from '@runlane/core';
import fc from 'fast-check';
import { createCaseList } from './case-list.js';
import { toCaseResult } from './case-results.js';

const judged = (index: number, verdict: Verdict) =>
  toCaseResult(index, {}, resultWithoutRun('succeeded'), { verdict }, 0);

/** Judge these with some lanes, which end their cases in any order. */
function play(verdicts: readonly Verdict[], order: readonly number[], lanes: number, stopAtFirstFailure: boolean) {
  const told: [number, Verdict][] = [];
  const list = createCaseList({
    count: verdicts.length,
    stopAtFirstFailure,
    tell: ({ index, verdict }) => told.push([index, verdict]),
  });
  const running: { index: number; signal: AbortSignal }[] = [];
  for (let turn = 0; ; turn += 1) {
    while (running.length < lanes) {
      const taken = list.take();
      if (!taken) break;
      running.push(taken);
    }
    if (running.length === 0) break;
    const at = (order[turn % order.length] ?? 0) % running.length;
    const [{ index, signal }] = running.splice(at, 1) as [{ index: number; signal: AbortSignal }];
    if (!signal.aborted) list.settle(judged(index, verdicts[index] as Verdict));
  }
  const results = verdicts.map((_, index) => list.result(index) ?? judged(index, 'skipped'));
  list.tellRest(results);
  return { results: results.map(({ verdict }) => verdict), told };
}

const verdicts = fc.array(
  fc.constantFrom<Verdict>('accepted', 'accepted', 'accepted', 'wrong_answer', 'runtime_error'),
  {
    minLength: 1,
    maxLength: 20,
  },
);
const order = fc.array(fc.nat(10), { minLength: 1 });
const lanes = fc.integer({ min: 1, max: 6 });

test('stopping at the first failure, results and events are the same in whatever order cases end', () => {
  fc.assert(
    fc.property(verdicts, order, lanes, (all, ends, width) => {
      const first = all.findIndex((verdict) => verdict !== 'accepted');
      const expected = all.map((verdict, index) => (first >= 0 && index > first ? 'skipped' : verdict));
      const { results, told } = play(all, ends, width, true);
      assert.deepEqual(results, expected);
      assert.deepEqual(told, [...expected.entries()]);
    }),
  );
});

test('not stopping, every case has its own verdict and is told once', () => {
  fc.assert(
    fc.property(verdicts, order, lanes, (all, ends, width) => {
      const { results, told } = play(all, ends, width, false);
      assert.deepEqual(results, all);
      assert.deepEqual(
        told.toSorted(([a], [b]) => a - b),
        [...all.entries()],
      );
    }),
  );
});

test('a case that is put back is the next again', () => {
  const list = createCaseList({ count: 3, stopAtFirstFailure: false, tell: () => undefined });
  assert.deepEqual([list.take()?.index, list.take()?.index], [0, 1]);
  list.putBack(0);
  assert.deepEqual([list.waiting(), list.take()?.index, list.take()?.index, list.take()], [2, 0, 2, undefined]);
});

test('given up, what runs is aborted and nothing more is taken; the first reason is kept', () => {
  const list = createCaseList({ count: 3, stopAtFirstFailure: false, tell: () => undefined });
  const taken = list.take();
  list.giveUp('first');
  list.giveUp('second');
  assert.deepEqual([taken?.signal.aborted, list.take(), list.failure()], [true, undefined, 'first']);
});
