import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createFairLine, type FairLine } from './fair-line.js';

function takeAll<T>(line: FairLine<T>): T[] {
  const taken: T[] = [];
  for (let item = line.next(); item !== undefined; item = line.next()) taken.push(item);
  return taken;
}

test('of two who wait, one who brought ten thousand does not hold up the other', () => {
  const line = createFairLine<string>();
  for (let n = 0; n < 10_000; n += 1) line.add('many', 1, `many ${n}`);
  for (let n = 0; n < 5_000; n += 1) line.next();
  line.add('one', 1, 'one');
  assert.ok(takeAll(line).indexOf('one') <= 1);
});

test('those who always wait get turns in the ratio of their costs', () => {
  const line = createFairLine<string>();
  for (let n = 0; n < 1_000; n += 1) {
    line.add('cheap', 1, 'cheap');
    line.add('dear', 4, 'dear');
  }
  const first = takeAll(line).slice(0, 500);
  assert.equal(first.filter((each) => each === 'dear').length, 100);
});

test('who was away for long has saved up no turns', () => {
  const line = createFairLine<string>();
  for (let n = 0; n < 100; n += 1) line.add('busy', 1, 'busy');
  for (let n = 0; n < 50; n += 1) line.next();
  for (let n = 0; n < 50; n += 1) line.add('back', 1, 'back');
  assert.equal(
    takeAll(line)
      .slice(0, 40)
      .filter((each) => each === 'back').length,
    20,
  );
});

test('whatever is added and taken: all come out once, each flow in its order, and `items` is the order', () => {
  const adds = fc.array(fc.record({ flow: fc.constantFrom('a', 'b', 'c'), cost: fc.integer({ min: 1, max: 9 }) }));
  fc.assert(
    fc.property(adds, adds, fc.nat(50), (before, after, takenBetween) => {
      const line = createFairLine<{ flow: string; n: number }>();
      let n = 0;
      const addAll = (all: typeof before) => {
        for (const { flow, cost } of all) line.add(`${flow}${cost}`, cost, { flow: `${flow}${cost}`, n: n++ });
      };
      addAll(before);
      const taken = Array.from({ length: Math.min(takenBetween, before.length) }, () => line.next() as never);
      addAll(after);
      assert.equal(line.length, n - taken.length);
      const foretold = line.items();
      const rest = takeAll(line);
      assert.deepEqual(rest, foretold);
      const all = [...taken, ...rest] as { flow: string; n: number }[];
      assert.deepEqual(
        all.map((each) => each.n).toSorted((a, b) => a - b),
        [...Array(n).keys()],
      );
      for (const flow of new Set(all.map((each) => each.flow))) {
        const own = all.filter((each) => each.flow === flow).map((each) => each.n);
        assert.deepEqual(
          own,
          own.toSorted((a, b) => a - b),
        );
      }
    }),
  );
});
