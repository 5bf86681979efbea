/** What every `JobQueue` promises. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { v7 as newId } from 'uuid';
import { STAGES } from './job.js';
import { type JobQueue, QUEUED_STAGES } from './job-queue.js';
import { until } from './testing/jobs.js';

/** @param open a queue with nothing in it; it is asked for once for each test. */
export function testJobQueue(adapter: string, open: () => Promise<JobQueue>, skip: string | false = false): void {
  describe(`the ${adapter} job queue`, { skip }, () => {
    let queue: JobQueue;
    beforeEach(async () => {
      queue = await open();
    });
    afterEach(() => queue.close());

    it('delivers what was added, before and after processing begins, each to its stage', async () => {
      const [early, late, other] = [newId(), newId(), newId()];
      await queue.add('exec', early);
      await queue.add('save', other);
      const delivered: string[] = [];
      queue.process('exec', 4, async (id) => void delivered.push(id));
      await queue.add('exec', late);
      await until('both are delivered', () => delivered.length === 2);
      assert.deepEqual(delivered.toSorted(), [early, late].toSorted());
      assert.equal((await queue.depth('save')).waiting, 1);
    });

    it('has a queue for each stage: one job may be in all of them', async () => {
      const id = newId();
      const delivered: string[] = [];
      for (const stage of QUEUED_STAGES) await queue.add(stage, id);
      for (const stage of QUEUED_STAGES) assert.equal((await queue.depth(stage)).waiting, 1, stage);
      queue.process('callback', 1, async (given) => void delivered.push(`callback ${given}`));
      await until('its callback is delivered', () => delivered.length > 0);
      assert.deepEqual(delivered, [`callback ${id}`]);
      for (const stage of STAGES) assert.equal((await queue.depth(stage)).waiting, 1, stage);
    });

    it('delivers in the order of adding, lower priorities first', async () => {
      const ids = Array.from({ length: 6 }, () => newId()) as [string, string, string, string, string, string];
      const [a, b, c, d, e, f] = ids;
      await queue.add('exec', a, { priority: 5 });
      await queue.add('exec', b);
      await queue.add('exec', c, { priority: 1_000 });
      await queue.add('exec', d);
      await queue.add('exec', e, { priority: 5 });
      await queue.add('exec', f, { priority: 1 });
      assert.equal((await queue.depth('exec')).waiting, 6);
      const delivered: string[] = [];
      queue.process('exec', 1, async (id) => void delivered.push(id));
      await until('all are delivered', () => delivered.length === 6);
      assert.deepEqual(delivered, [b, d, f, a, e, c]);
    });

    it('gives owners turns: one with a thousand deliveries does not hold up another with a few', async () => {
      const many = Array.from({ length: 1_000 }, () => newId());
      const few = Array.from({ length: 3 }, () => newId());
      for (let at = 0; at < many.length; at += 100)
        await Promise.all(many.slice(at, at + 100).map((id) => queue.add('exec', id, { ownerId: 'many' })));
      assert.equal((await queue.depth('exec')).waiting, 1_000);
      const delivered: string[] = [];
      queue.process('exec', 1, async (id) => void delivered.push(id));
      await until('it is in the middle of them', () => delivered.length > 100);
      const before = delivered.length;
      for (const id of few) await queue.add('exec', id, { ownerId: 'few' });
      await until('the few are delivered', () => few.every((id) => delivered.includes(id)));
      const waited = delivered.indexOf(few[2] as string) - before;
      // Three turns of its own, three of the other's, and those that were taken while they were added.
      assert.ok(waited < 300, `${waited} were delivered meanwhile`);
      await until('all are delivered', () => delivered.length === 1_003, 30_000);
      assert.equal(new Set(delivered).size, 1_003);
      assert.deepEqual(
        delivered.filter((id) => many.includes(id)),
        many,
      );
    });

    it('lets nothing of low priority wait for ever', async () => {
      const low = newId();
      const high = Array.from({ length: 200 }, () => newId());
      await queue.add('exec', low, { priority: 10 });
      await Promise.all(high.map((id) => queue.add('exec', id)));
      const delivered: string[] = [];
      queue.process('exec', 1, async (id) => void delivered.push(id));
      await until('all are delivered', () => delivered.length === 201);
      assert.ok(delivered.indexOf(low) >= 10 && delivered.indexOf(low) < 20, `place ${delivered.indexOf(low)}`);
    });

    it('tells what is missing: what neither waits, nor is held back, nor is being handled', async () => {
      const ids = Array.from({ length: 4 }, () => newId()) as [string, string, string, string];
      const [handled, waiting, heldBack, absent] = ids;
      const ownerId = 'somebody';
      let release = () => {};
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      queue.process('exec', 1, () => held);
      await queue.setSlots(1);
      await queue.add('exec', handled, { ownerId });
      await until('one is being handled', async () => (await queue.depth('exec')).waiting === 0);
      // More than are brought forward.
      const others = Array.from({ length: 10 }, () => newId());
      for (const id of [...others, waiting]) await queue.add('exec', id, { ownerId });
      await queue.add('exec', heldBack, { ownerId, notBeforeAtMs: Date.now() + 60_000 });
      const expected = [...ids, ...others].map((id) => ({ id, ownerId }));
      assert.deepEqual(await queue.missing('exec', expected), new Set([absent]));
      assert.deepEqual(await queue.missing('save', [{ id: waiting, ownerId }]), new Set([waiting]));
      assert.equal((await queue.depth('exec')).waiting, 11);
      release();
    });

    it('knows the oldest of those that wait, of whichever owner and priority', async () => {
      const ids = Array.from({ length: 4 }, () => newId()) as [string, string, string, string];
      const [oldest, second, third, heldBack] = [ids[1], ids[2], ids[3], ids[0]];
      assert.equal(await queue.oldest('exec'), undefined);
      await queue.setSlots(1);
      await queue.add('exec', heldBack, { notBeforeAtMs: Date.now() + 60_000 });
      assert.equal(await queue.oldest('exec'), undefined);
      // More than are brought forward.
      for (const id of Array.from({ length: 5 }, () => newId())) await queue.add('exec', id, { ownerId: 'a' });
      await queue.add('exec', third, { ownerId: 'b' });
      assert.equal(await queue.oldest('exec'), third);
      await queue.add('exec', second, { ownerId: 'a', priority: 100 });
      await queue.add('exec', oldest, { ownerId: 'a' });
      assert.equal(await queue.oldest('exec'), oldest);
      assert.equal(await queue.oldest('save'), undefined);
    });

    it('holds a delivery back until its time', async () => {
      const [now, later] = [newId(), newId()];
      const delivered = new Map<string, number>();
      queue.process('exec', 2, async (id) => void delivered.set(id, Date.now()));
      const dueAtMs = Date.now() + 400;
      await queue.add('exec', later, { notBeforeAtMs: dueAtMs });
      await queue.add('exec', now);
      await until('both are delivered', () => delivered.size === 2);
      assert.ok((delivered.get(now) as number) < dueAtMs);
      assert.ok((delivered.get(later) as number) >= dueAtMs);
    });

    it('takes back what is held back, and nothing else', async () => {
      const [waiting, heldBack] = [newId(), newId()];
      await queue.add('exec', waiting);
      await queue.add('exec', heldBack, { notBeforeAtMs: Date.now() + 60_000 });
      assert.deepEqual(await queue.depth('exec'), { waiting: 1, putOff: 1 });
      for (const id of [waiting, heldBack, newId()]) await queue.takeBack('exec', id);
      const isMissing = async (id: string) => (await queue.missing('exec', [{ id }])).has(id);
      assert.deepEqual([await isMissing(waiting), await isMissing(heldBack)], [false, true]);
      // And it may be added again.
      await queue.add('exec', heldBack);
      assert.equal((await queue.depth('exec')).waiting, 2);
    });

    it('does not repeat a delivery that waits, is held back or is being handled, and takes it again after', async () => {
      const [id, later] = [newId(), newId()];
      for (let n = 0; n < 5; n += 1) await queue.add('exec', id);
      for (let n = 0; n < 5; n += 1) await queue.add('exec', later, { notBeforeAtMs: Date.now() + 60_000 });
      assert.equal((await queue.depth('exec')).waiting, 1);
      let calls = 0;
      let release = () => {};
      queue.process('exec', 4, async () => {
        calls += 1;
        await new Promise<void>((resolve) => {
          release = resolve;
        });
      });
      await until('it is being handled', () => calls === 1);
      await queue.add('exec', id);
      assert.equal((await queue.depth('exec')).waiting, 0);
      release();
      await until('it is delivered again', async () => {
        await queue.add('exec', id);
        return calls === 2;
      });
      release();
    });

    it('never handles more at a time than it may, and gets through', async () => {
      let active = 0;
      let most = 0;
      let done = 0;
      queue.process('exec', 3, async () => {
        active += 1;
        most = Math.max(most, active);
        await sleep(5);
        active -= 1;
        done += 1;
      });
      await Promise.all(Array.from({ length: 60 }, () => queue.add('exec', newId())));
      await until('all are handled', () => done === 60);
      assert.equal(most, 3);
    });

    it('goes on after a handler that throws', async () => {
      const [bad, good] = [newId(), newId()];
      const delivered: string[] = [];
      queue.process('exec', 1, async (id) => {
        delivered.push(id);
        if (id === bad) throw new Error('a bug');
      });
      await queue.add('exec', bad);
      await queue.add('exec', good);
      await until('both are delivered', () => delivered.length === 2);
      // And the id of the bad one is free again.
      await until('the bad one is delivered again', async () => {
        await queue.add('exec', bad);
        return delivered.length >= 3;
      });
    });

    it('takes nothing more once paused, and lets what it has end', async () => {
      const [held, waiting] = [newId(), newId()];
      const delivered: string[] = [];
      let release = () => {};
      queue.process('exec', 1, async (id) => {
        delivered.push(id);
        await new Promise<void>((resolve) => {
          release = resolve;
        });
      });
      await queue.add('exec', held);
      await until('one is being handled', () => delivered.length === 1);
      await queue.pause();
      await queue.add('exec', waiting);
      release();
      await sleep(200);
      assert.deepEqual(delivered, [held]);
      assert.equal((await queue.depth('exec')).waiting, 1);
    });

    it('closes at once, though a handler is at work', async () => {
      let begun = false;
      queue.process('exec', 1, async () => {
        begun = true;
        await new Promise(() => {});
      });
      await queue.add('exec', newId());
      await until('it is being handled', () => begun);
      const startMs = performance.now();
      await queue.close();
      assert.ok(performance.now() - startMs < 1_500);
    });

    it('answers a ping', async () => {
      await queue.ping();
    });
  });
}
