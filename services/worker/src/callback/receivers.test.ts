import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createReceivers } from './receivers.js';

const [one, samePort, other] = ['https://a.example/x', 'https://a.example:443/y', 'https://a.example:8443/x'].map(
  (url) => new URL(url),
) as [URL, URL, URL];

test('a receiver has its share of places, by host and port, and no more', () => {
  const receivers = createReceivers(2);
  const [first, second] = [receivers.enter(one), receivers.enter(samePort)];
  assert.ok(first && second);
  assert.equal(receivers.enter(one), undefined);
  assert.ok(receivers.enter(other));
  assert.equal(receivers.calls, 3);
  first();
  assert.ok(receivers.enter(one));
  assert.equal(receivers.enter(one), undefined);
});

test('places that were given back are forgotten', () => {
  const receivers = createReceivers(1);
  for (let n = 0; n < 5; n += 1) {
    const leave = receivers.enter(one);
    assert.ok(leave);
    leave();
  }
  assert.equal(receivers.calls, 0);
});

test('those who find no place come again one after the other, in a minute at most', () => {
  const receivers = createReceivers(1, () => 0);
  receivers.enter(one);
  const turns = Array.from({ length: 3 }, () => receivers.nextTurnAtMs(samePort));
  assert.deepEqual(turns, [1_000, 1_050, 1_100]);
  for (let n = 0; n < 5_000; n += 1) receivers.nextTurnAtMs(one);
  assert.equal(receivers.nextTurnAtMs(one), 60_000);
  assert.equal(receivers.nextTurnAtMs(other), 1_000);
});
