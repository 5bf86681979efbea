/** Room that many ask for at the same time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRoom } from './room.js';

const outcomesOf = async (takes: readonly Promise<void>[]) =>
  (await Promise.allSettled(takes)).map((take) => (take.status === 'fulfilled' ? 'taken' : take.reason.code));

test('those who come while jobs are counted wait for the same count, and none of what they take is forgotten', async () => {
  let counts = 0;
  let counted: (count: number) => void = () => {};
  const inFlightCount = () => {
    counts += 1;
    return new Promise<number>((resolve) => {
      counted = resolve;
    });
  };
  const room = createRoom({ inFlightCount }, 4);
  const takes = [room.take(1), room.take(1), room.take(2), room.take(1)];
  counted(1);
  assert.deepEqual(await outcomesOf(takes), ['taken', 'taken', 'QUEUE_FULL', 'taken']);
  assert.deepEqual(await outcomesOf([room.take(1)]), ['QUEUE_FULL']);
  assert.equal(counts, 1);
});

test('a count that failed is asked for again by the next', async () => {
  let isAway = true;
  const inFlightCount = async () => {
    if (isAway) throw new Error('away');
    return 0;
  };
  const room = createRoom({ inFlightCount }, 1);
  await assert.rejects(room.take(1), /away/);
  isAway = false;
  assert.deepEqual(await outcomesOf([room.take(1), room.take(1)]), ['taken', 'QUEUE_FULL']);
});
