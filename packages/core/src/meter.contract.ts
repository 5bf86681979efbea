/** What every `Meter` promises. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Meter } from './meter.js';
import { until } from './testing/jobs.js';

/** @param open a new meter with windows of so many seconds; those of the same name count together where they share a server. */
export function testMeter(
  adapter: string,
  open: (name: string, windowSeconds: number) => Meter,
  skip: string | false = false,
) {
  describe(`the ${adapter} meter`, { skip }, () => {
    it('adds up what each name uses, and asks without adding', async () => {
      const meter = open('sums', 60);
      assert.equal((await meter.add('a', 0)).amount, 0);
      assert.equal((await meter.add('a', 2)).amount, 2);
      assert.equal((await meter.add('b', 5)).amount, 5);
      const { amount, resetsInMs } = await meter.add('a', 3);
      assert.equal(amount, 5);
      assert.ok(resetsInMs > 0 && resetsInMs <= 60_000, `${resetsInMs}`);
      assert.equal((await meter.add('a', 0)).amount, 5);
    });

    it('counts every one of many at once', async () => {
      const meter = open('many', 60);
      const all = await Promise.all(Array.from({ length: 100 }, () => meter.add('a', 1)));
      assert.deepEqual(
        all.map(({ amount }) => amount).sort((a, b) => a - b),
        Array.from({ length: 100 }, (_, n) => n + 1),
      );
    });

    it('begins anew when the window is over', async () => {
      const meter = open('windows', 1);
      await meter.add('a', 7);
      await until('the window is over', async () => (await meter.add('a', 1)).amount === 1);
    });
  });
}
