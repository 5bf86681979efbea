/** The pool of things that are made beforehand and serve once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '@runlane/core/testing';
import { createPool, type Poolable } from './pool.js';

interface Thing extends Poolable {
  readonly number: number;
  readonly discarded: boolean;
  spoil(): void;
}

function things() {
  const all: Thing[] = [];
  let failures = 0;
  return {
    all,
    failNext: (times: number) => {
      failures = times;
    },
    async make(): Promise<Thing> {
      await sleep(5);
      if (failures > 0) {
        failures -= 1;
        throw new Error('no');
      }
      let discarded = false;
      let spoil = () => {};
      const gone = new Promise<void>((resolve) => {
        spoil = resolve;
      });
      const thing: Thing = {
        number: all.length,
        gone,
        spoil,
        get discarded() {
          return discarded;
        },
        discard() {
          discarded = true;
        },
      };
      all.push(thing);
      return thing;
    },
  };
}

test('as many are made as are to be ready, and no more', async () => {
  const { make, all } = things();
  const pool = createPool({ size: 3, makers: 2, retryMs: 10, make });
  pool.refill();
  pool.refill();
  await until('3 are ready', () => pool.ready === 3);
  await sleep(20);
  assert.equal(all.length, 3);
  await pool.close();
});

test('each is given once, and the one who takes it decides when the next is made', async () => {
  const { make } = things();
  const pool = createPool({ size: 2, makers: 2, retryMs: 10, make });
  pool.refill();
  await until('2 are ready', () => pool.ready === 2);
  const taken = await Promise.all([pool.take(), pool.take(), pool.take()]);
  assert.equal(new Set(taken).size, 3);
  await sleep(20);
  assert.equal(pool.ready, 0);
  pool.refill();
  await until('2 are ready again', () => pool.ready === 2);
  await pool.close();
});

test('one that becomes useless while it waits is discarded and replaced', async () => {
  const { make, all } = things();
  const pool = createPool({ size: 1, makers: 1, retryMs: 10, make });
  pool.refill();
  await until('1 is ready', () => pool.ready === 1);
  all[0]?.spoil();
  await until('another is ready', () => pool.ready === 1 && all.length === 2);
  assert.equal(all[0]?.discarded, true);
  assert.equal((await pool.take()).number, 1);
  await pool.close();
});

test('after a failure it tries again later, and whoever needs one now is told', async () => {
  const { make, failNext, all } = things();
  const pool = createPool({ size: 1, makers: 1, retryMs: 30, make });
  failNext(2);
  pool.refill();
  await sleep(10);
  await assert.rejects(pool.take(), /no/);
  await until('it recovered', () => pool.ready === 1);
  assert.equal(all.length, 1);
  await pool.close();
});

test('whoever comes while one is being made gets that one, and others get their own', async () => {
  const { make, all, failNext } = things();
  const pool = createPool({ size: 1, makers: 1, retryMs: 1000, make });
  pool.refill();
  const taken = await Promise.all([pool.take(), pool.take()]);
  assert.deepEqual(taken.map(({ number }) => number).toSorted(), [0, 1]);
  assert.equal(all.length, 2);
  failNext(1);
  pool.refill();
  await assert.rejects(pool.take(), /no/);
  await pool.close();
});

test('closing discards what is ready and what is still being made', async () => {
  const { make, all } = things();
  const pool = createPool({ size: 2, makers: 1, retryMs: 10, make });
  pool.refill();
  await until('1 is ready', () => pool.ready === 1);
  await pool.close();
  assert.ok(all.every(({ discarded }) => discarded));
});
