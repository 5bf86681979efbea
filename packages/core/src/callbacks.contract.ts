/** What `Callbacks` promise, over every `FactStore`. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { v7 as newId } from 'uuid';
import type { BegunCall } from './callbacks.js';
import type { FactStore } from './facts.js';
import { ANONYMOUS, type Job } from './job.js';
import { createJobStore, type JobStore } from './job-store.js';
import { aBatch, aJob, aResult } from './testing/jobs.js';

const TERMS = { workerId: 'w1', leaseMs: 1_000, maxCalls: 3 };
const callbackUrl = 'https://example.org/hook';

/** @param open an empty store of facts; it is asked for once. */
export function testCallbacks(adapter: string, open: () => Promise<FactStore>, skip: string | false = false): void {
  describe(`callbacks over ${adapter}`, { skip }, () => {
    let facts: FactStore;
    let store: JobStore;
    /** Time passes when a test says so. */
    let nowMs = Date.now();
    before(async () => {
      facts = await open();
      store = createJobStore({ facts, leaseMs: 1_000, maxAttempts: 3, now: () => nowMs });
    });
    after(() => store.close());

    async function accepted(more: Partial<Job> = {}): Promise<string> {
      const job = aJob({ createdAtMs: nowMs, callbackUrl, ...more });
      await store.insert(job);
      return job.id;
    }
    async function ended(): Promise<string> {
      const id = await accepted();
      await store.finish(id, 1, aResult());
      return id;
    }
    async function begun(id: string): Promise<BegunCall> {
      const asked = await store.callbacks.begin(id, TERMS);
      assert.equal(asked.outcome, 'begun');
      return (asked as { call: BegunCall }).call;
    }
    /** Everything that is owed, in pages. */
    async function owedOf(id: string) {
      for (let after: string | undefined; ; ) {
        const page = await store.callbacks.owed(after, 2);
        const found = page.find((each) => each.id === id);
        if (found || page.length < 2) return found;
        after = page.at(-1)?.id;
      }
    }

    it('owes from the acceptance on, waits for the end, and then it is due', async () => {
      const id = await accepted();
      assert.deepEqual(await store.callbacks.calledFor(id), { url: callbackUrl, ownerId: ANONYMOUS });
      assert.equal((await owedOf(id))?.state, 'waits');
      await store.finish(id, 1, aResult());
      assert.equal((await owedOf(id))?.state, 'due');
    });

    it('owes nothing to a job without a callback', async () => {
      const job = aJob();
      await store.insert(job);
      assert.equal(await store.callbacks.calledFor(job.id), undefined);
      assert.equal(await store.callbacks.calledFor(newId()), undefined);
      assert.equal(await owedOf(job.id), undefined);
    });

    it('owes to those jobs of a batch that have one', async () => {
      const { batch, jobs } = aBatch(2);
      const [first, second] = jobs as [Job, Job];
      await store.insertBatch(batch, [{ ...first, callbackUrl }, second]);
      assert.equal((await owedOf(first.id))?.state, 'waits');
      assert.equal(await owedOf(second.id), undefined);
    });

    it('lets one of many call', async () => {
      const id = await ended();
      const asked = await Promise.all(Array.from({ length: 20 }, () => store.callbacks.begin(id, TERMS)));
      assert.equal(asked.filter(({ outcome }) => outcome === 'begun').length, 1);
      assert.equal(asked.filter(({ outcome }) => outcome === 'wait').length, 19);
      assert.equal((await owedOf(id))?.state, 'waits');
    });

    it('lets another call once the first was silent for its lease, and counts both', async () => {
      const id = await ended();
      await begun(id);
      nowMs += 999;
      assert.deepEqual(await store.callbacks.begin(id, TERMS), { outcome: 'wait', untilAtMs: nowMs + 1 });
      nowMs += 1;
      assert.equal((await owedOf(id))?.state, 'due');
      assert.equal((await begun(id)).number, 2);
    });

    it('keeps the pause after a call that failed, and ends when no more are allowed', async () => {
      const id = await ended();
      for (const number of [1, 2, 3]) {
        const call = await begun(id);
        assert.equal(call.number, number);
        await store.callbacks.end(call, { statusCode: 500, nextAtMs: nowMs + 10 });
        assert.equal((await owedOf(id))?.state, 'waits');
        assert.deepEqual(await store.callbacks.begin(id, TERMS), { outcome: 'wait', untilAtMs: nowMs + 10 });
        nowMs += 10;
        assert.equal((await owedOf(id))?.state, 'due');
      }
      assert.equal((await store.callbacks.begin(id, TERMS)).outcome, 'exhausted');
      const { calls, told } = await store.callbacks.history(id);
      assert.deepEqual([calls.map(({ statusCode }) => statusCode), told], [[500, 500, 500], undefined]);
    });

    it('lets nobody call after a call that was the last, though it was not concluded', async () => {
      const id = await ended();
      await store.callbacks.end(await begun(id), { statusCode: 200 });
      const asked = await store.callbacks.begin(id, TERMS);
      assert.ok(asked.outcome === 'exhausted');
      assert.deepEqual([asked.calls, asked.last.statusCode], [1, 200]);
      assert.equal((await owedOf(id))?.state, 'due');
    });

    it('concludes once, and then there is nothing to call and nothing owed', async () => {
      const id = await ended();
      const call = await begun(id);
      await store.callbacks.end(call, { statusCode: 200 });
      const concluded = await Promise.all([1, 2, 3].map(() => store.callbacks.conclude(id, 'delivered', 1)));
      assert.equal(concluded.filter(Boolean).length, 1);
      assert.deepEqual(await store.callbacks.begin(id, TERMS), { outcome: 'over' });
      assert.equal(await owedOf(id), undefined);
      assert.deepEqual((await store.callbacks.history(id)).told, { outcome: 'delivered', calls: 1, atMs: nowMs });
    });

    it('finds what was left behind: of a conclusion, and of an acceptance that was cut off', async () => {
      const [told, orphan] = [await ended(), newId()];
      await store.callbacks.conclude(told, 'gone', 1);
      for (const id of [told, orphan])
        await facts.insert(
          { kind: 'owed', id, document: { createdAtMs: nowMs, ownerId: ANONYMOUS } },
          { durable: true },
        );
      assert.equal((await owedOf(told))?.state, 'settled');
      assert.equal((await owedOf(orphan))?.state, 'waits');
      nowMs += 60_001;
      assert.equal((await owedOf(orphan))?.state, 'settled');
      await store.callbacks.settle(orphan);
      assert.equal(await owedOf(orphan), undefined);
    });

    it('keeps a job for as long as its end is owed, and then removes it with all that is known of its callback', async () => {
      const id = await ended();
      await store.callbacks.end(await begun(id), { error: 'timed_out', nextAtMs: nowMs });
      await begun(id);
      await store.expire(nowMs + 1, 1_000);
      assert.ok(await store.job(id));
      await store.callbacks.conclude(id, 'given_up', 2);
      await store.expire(nowMs + 1, 1_000);
      assert.equal(await store.job(id), undefined);
      assert.deepEqual(await store.callbacks.history(id), { calls: [] });
      assert.equal(await facts.get('told', id), undefined);
    });
  });
}
