import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from './random.js';

const drawn = (seed: number) => {
  const random = createRandom(seed);
  const fork = random.fork();
  return [random.next(), random.shuffle(['a', 'b', 'c', 'd', 'e']).join(), fork.pick([1, 2, 3, 4]), fork.between(5, 6)];
};

test('the same seed draws the same, and another draws otherwise', () => {
  assert.deepEqual(drawn(42), drawn(42));
  assert.notDeepEqual(drawn(42), drawn(43));
});

test('how much one stream draws changes nothing for another', () => {
  const [idle, busy] = [createRandom(7), createRandom(7)];
  idle.fork();
  const fork = busy.fork();
  for (let n = 0; n < 100; n += 1) fork.next();
  assert.equal(busy.next(), idle.next());
});

test('a shuffle keeps every item, and numbers stay in their range', () => {
  const random = createRandom(1);
  const items = Array.from({ length: 50 }, (_, index) => index);
  assert.deepEqual(
    random.shuffle(items).toSorted((a, b) => a - b),
    items,
  );
  for (let n = 0; n < 1_000; n += 1) {
    const value = random.between(3, 4);
    assert.ok(value >= 3 && value < 4);
  }
});
