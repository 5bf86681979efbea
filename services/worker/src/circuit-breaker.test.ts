import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCircuitBreaker } from './circuit-breaker.js';

function breakerAt() {
  let nowMs = 0;
  const breaker = createCircuitBreaker(() => nowMs);
  return {
    ...breaker,
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

test('a runner that loses a run now and then keeps all of its slots', () => {
  const { lost, succeeded, most } = breakerAt();
  for (let n = 0; n < 10; n += 1) {
    assert.deepEqual([lost(), lost()], [0, 0]);
    succeeded();
  }
  assert.equal(most(4), 4);
});

test('one that loses three in a row is left alone, then tried with one run, ever later, until one goes well', () => {
  const { lost, succeeded, most, pass } = breakerAt();
  assert.deepEqual([lost(), lost(), lost()], [0, 0, 1_000]);
  assert.equal(lost(), 0, 'what was under way beside it says nothing new');
  assert.equal(most(4), 0);
  pass(1_000);
  assert.equal(most(4), 1);
  assert.equal(lost(), 2_000);
  assert.equal(most(4), 0);
  pass(2_000);
  succeeded();
  assert.equal(most(4), 4);
  assert.deepEqual([lost(), lost(), lost()], [0, 0, 1_000], 'and it begins anew');
});

test('one that was away and is back is tried at once, with one run', () => {
  const { lost, tryAgain, most } = breakerAt();
  for (let n = 0; n < 3; n += 1) lost();
  tryAgain();
  assert.equal(most(4), 1);
});

test('the pause has a bound', () => {
  const { lost, pass } = breakerAt();
  lost();
  lost();
  const pauses = Array.from({ length: 10 }, () => {
    const pauseMs = lost();
    pass(pauseMs);
    return pauseMs;
  });
  assert.equal(Math.max(...pauses), 60_000);
});
