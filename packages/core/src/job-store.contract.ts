/** What a `JobStore` promises, over every `FactStore`. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { v7 as newId } from 'uuid';
import type { FactStore } from './facts.js';
import type { FinalStatus } from './job.js';
import { type Claim, createJobStore, type JobStore } from './job-store.js';
import { aBatch, aJob, aResult, withBuffers } from './testing/jobs.js';

const LEASE_MS = 1_000;
const MAX_ATTEMPTS = 3;

/** @param open an empty store of facts; it is asked for once. */
export function testJobStore(adapter: string, open: () => Promise<FactStore>, skip: string | false = false): void {
  describe(`the job store over ${adapter}`, { skip }, () => {
    let store: JobStore;
    /** Time passes when a test says so. */
    let nowMs = Date.now();
    before(async () => {
      store = createJobStore({ facts: await open(), leaseMs: LEASE_MS, maxAttempts: MAX_ATTEMPTS, now: () => nowMs });
    });
    after(() => store.close());

    async function accepted(more: Parameters<typeof aJob>[0] = {}) {
      const job = aJob({ createdAtMs: nowMs, ...more });
      await store.insert(job);
      return job;
    }
    async function claimed(id: string, stage: 'save' | 'exec' = 'exec', workerId = 'w1'): Promise<Claim> {
      const asked = await store.claim(id, stage, workerId);
      assert.equal(asked.outcome, 'claimed');
      return (asked as { claim: Claim }).claim;
    }
    const outcome = async (id: string, stage: 'save' | 'exec' = 'exec') => (await store.claim(id, stage, 'w2')).outcome;
    const statusOf = async (id: string) => (await store.get(id))?.status;

    it('gives back an accepted job, in flight and without a result', async () => {
      const job = await accepted({ metadata: { 'a.b': '$c' } });
      assert.deepEqual(withBuffers(await store.get(job.id)), withBuffers({ job, status: 'accepted', attempt: 0 }));
      assert.ok((await store.inFlight(undefined, 1_000)).some(({ id }) => id === job.id));
    });

    it('answers undefined for an id that it does not know', async () => {
      assert.equal(await store.get(newId()), undefined);
    });

    it('takes the same job twice without harm, the first as it was', async () => {
      const job = await accepted();
      await store.insert({ ...job, ownerId: 'another' });
      assert.equal((await store.get(job.id))?.job.ownerId, job.ownerId);
    });

    it('follows a job through its life', async () => {
      const job = await accepted();
      const saving = await claimed(job.id, 'save');
      assert.equal(await statusOf(job.id), 'saving');
      assert.equal(saving.attempt, 1);
      await store.markSaved(job.id, { artifactDigest: 'd' });
      assert.equal(await statusOf(job.id), 'queued');
      assert.deepEqual(await store.saved(job.id), { artifactDigest: 'd' });
      const running = await claimed(job.id);
      assert.equal(await statusOf(job.id), 'running');
      assert.equal((await store.get(job.id))?.startedAtMs, running.startedAtMs);
      nowMs += 5;
      assert.equal(await store.finish(job.id, running.attempt, aResult()), true);
      const view = await store.get(job.id);
      assert.equal(view?.status, 'succeeded');
      assert.equal(view?.attempt, 1);
      assert.equal(view?.finishedAtMs, nowMs);
      assert.deepEqual(Buffer.from(view?.result?.stdout ?? []), Buffer.from('1\n'));
      assert.ok(!(await store.inFlight(undefined, 1_000)).some(({ id }) => id === job.id));
      assert.equal(await outcome(job.id), 'over');
    });

    it('keeps what a result says of files that the program left', async () => {
      const { id } = await accepted();
      const files = ['a.b/$c.png', 'z'].map((path) => ({
        path,
        sizeBytes: 3,
        contentType: 'image/png',
        sha256: 'a'.repeat(64),
      }));
      await store.finish(id, 1, aResult('succeeded', { files, filesOmitted: 2 }));
      const { result } = (await store.get(id)) ?? {};
      assert.deepEqual([result?.files, result?.filesOmitted], [files, 2]);
    });

    it('gives a claim to one of 20 who ask at the same time', async () => {
      const job = await accepted();
      const asked = await Promise.all(Array.from({ length: 20 }, (_, n) => store.claim(job.id, 'exec', `w${n}`)));
      assert.equal(asked.filter(({ outcome }) => outcome === 'claimed').length, 1);
      assert.equal(asked.filter(({ outcome }) => outcome === 'held').length, 19);
    });

    it('keeps a claim for its lease, for longer with heartbeats, and then lets another have it', async () => {
      const { id } = await accepted();
      await store.markSaved(id, { artifactDigest: 'a'.repeat(64) });
      const claim = await claimed(id);
      nowMs += LEASE_MS - 1;
      assert.equal(await outcome(id), 'held');
      assert.equal(await store.isHeld(id), true);
      await store.heartbeat(claim, 'w1');
      nowMs += LEASE_MS - 1;
      assert.equal(await outcome(id), 'held');
      nowMs += 1;
      assert.equal(await store.isHeld(id), false);
      assert.equal(await statusOf(id), 'queued');
      assert.equal((await claimed(id)).attempt, 2);
    });

    it('has claims of the two stages apart', async () => {
      const { id } = await accepted();
      await claimed(id, 'save');
      assert.equal((await claimed(id, 'exec')).attempt, 1);
    });

    it('ends with "exhausted" after as many attempts as are allowed, whether they died or failed', async () => {
      const { id } = await accepted();
      await claimed(id);
      nowMs += LEASE_MS;
      await store.release(await claimed(id), 'w1', 'failed');
      await claimed(id);
      nowMs += LEASE_MS;
      const { before, ...asked } = (await store.claim(id, 'exec', 'w2')) as { readonly before?: unknown };
      assert.deepEqual([asked, before !== undefined], [{ outcome: 'exhausted', attempts: MAX_ATTEMPTS }, true]);
    });

    it('lets another claim at once what was handed back, and does not count it', async () => {
      const { id } = await accepted();
      for (let n = 1; n <= MAX_ATTEMPTS + 2; n += 1) {
        const claim = await claimed(id);
        assert.equal(claim.attempt, n);
        await store.release(claim, 'w1', 'handed_back');
      }
      for (let n = 0; n < MAX_ATTEMPTS; n += 1) await store.release(await claimed(id), 'w1', 'failed');
      assert.equal(await outcome(id), 'exhausted');
    });

    it('keeps the first result of a job and refuses the second', async () => {
      const { id } = await accepted();
      assert.equal(await store.finish(id, 2, aResult('succeeded')), true);
      assert.equal(await store.finish(id, 1, aResult('timed_out')), false);
      const view = await store.get(id);
      assert.deepEqual([view?.status, view?.attempt], ['succeeded', 2]);
    });

    it('lets one of many racing results win', async () => {
      const { id } = await accepted();
      const ends: FinalStatus[] = ['succeeded', 'failed', 'cancelled', 'timed_out', 'error'];
      const won = await Promise.all(ends.map((status, n) => store.finish(id, n, aResult(status))));
      assert.equal(won.filter(Boolean).length, 1);
      assert.equal(await statusOf(id), ends[won.indexOf(true)]);
    });

    it('lets one attach to a job, and nobody after it', async () => {
      const { id } = await accepted();
      assert.equal(await store.isAttached(id), false);
      const attached = await Promise.all([store.attach(id), store.attach(id), store.attach(id)]);
      assert.deepEqual(attached.filter(Boolean), [true]);
      assert.deepEqual([await store.attach(id), await store.isAttached(id)], [false, true]);
    });

    it('tells whoever claims of the attempt before, and whether it fell silent or was given up', async () => {
      const PLACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
      const { id } = await accepted();
      const asked = async () => {
        const given = await store.claim(id, 'exec', 'w1', true, PLACE);
        return given.outcome === 'claimed' ? given : assert.fail(given.outcome);
      };
      const first = await asked();
      assert.equal(first.before, undefined);
      await store.release(first.claim, 'w1', 'failed');
      const second = await asked();
      assert.deepEqual([second.before?.number, second.before?.ended, second.before?.trace], [1, 'failed', PLACE]);
      await store.heartbeat(second.claim, 'w1');
      nowMs += LEASE_MS + 1;
      const { before } = await asked();
      assert.deepEqual([before?.number, before?.ended, before?.trace], [2, undefined, PLACE]);
    });

    it('remembers a cancellation, which by itself ends nothing', async () => {
      const { id } = await accepted();
      assert.equal(await store.isCancelled(id), false);
      await store.cancel(id);
      await store.cancel(id);
      assert.equal(await store.isCancelled(id), true);
      assert.equal(await statusOf(id), 'accepted');
    });

    it('gives an idempotency key to the first who takes it, each owner having keys of their own', async () => {
      const claim = (acceptedId: string) => ({ acceptedId, bodyDigest: `of ${acceptedId}`, createdAtMs: nowMs });
      const key = 'a.$b c';
      const taken = await Promise.all(['1', '2', '3'].map((id) => store.reserve('me', key, claim(id))));
      assert.equal(new Set(taken.map(({ acceptedId }) => acceptedId)).size, 1);
      assert.deepEqual(await store.reserve('me', key, claim('4')), taken[0]);
      assert.deepEqual(await store.reserve('you', key, claim('5')), claim('5'));
    });

    it('lists the jobs of an owner, newest first, by status and language, page by page', async () => {
      const ownerId = `owner-${newId()}`;
      const jobs = [];
      for (let n = 0; n < 7; n += 1) {
        const program = { ...aJob().program, language: n % 2 ? 'c' : 'python' };
        jobs.push(await accepted({ ownerId, program }));
        await accepted();
      }
      const ids = jobs.map(({ id }) => id).toReversed();
      await store.finish(ids[0] as string, 0, aResult('cancelled'));
      await store.finish(ids[3] as string, 1, aResult('succeeded'));
      async function pages(query: Partial<Parameters<JobStore['list']>[0]>) {
        const found: string[] = [];
        for (let before: string | undefined; ; ) {
          const page = await store.list({ ownerId, limit: 2, before, ...query });
          assert.ok(page.jobs.length <= 2);
          found.push(...page.jobs.map(({ job }) => job.id));
          if (!page.next) return found;
          before = page.next;
        }
      }
      assert.deepEqual(await pages({}), ids);
      assert.deepEqual(await pages({ language: 'c' }), [ids[1], ids[3], ids[5]]);
      assert.deepEqual(await pages({ status: 'cancelled' }), [ids[0]]);
      assert.deepEqual(await pages({ status: 'accepted', language: 'c' }), [ids[1], ids[5]]);
      assert.deepEqual(await pages({ status: 'running' }), []);
    });

    it('goes through what is in flight, oldest first, from a cursor', async () => {
      const before = await store.inFlightCount();
      const [a, b] = [await accepted(), await accepted({ ownerId: 'me' })];
      assert.equal(await store.inFlightCount(), before + 2);
      const afterA = await store.inFlight(a.id, 10);
      assert.deepEqual(afterA, [{ id: b.id, ownerId: 'me', createdAtMs: b.createdAtMs }]);
      assert.equal((await store.inFlight(undefined, 1)).length, 1);
      await store.settle(b.id);
      assert.deepEqual(await store.inFlight(a.id, 10), []);
    });

    it('forgets after a minute that a compiler refused, and not that it succeeded', async () => {
      const compile = { exitCode: 1, diagnostics: Buffer.from('no such header'), wallTimeMs: 3 };
      await store.recordBuild('refused', { artifactDigest: '', compile });
      await store.recordBuild('made', { artifactDigest: 'a' });
      nowMs += 59_999;
      assert.deepEqual(withBuffers(await store.build('refused')), { artifactDigest: '', compile });
      nowMs += 1;
      assert.equal(await store.build('refused'), undefined);
      await store.recordBuild('refused', { artifactDigest: 'b' });
      nowMs += 60_000;
      assert.equal((await store.build('refused'))?.artifactDigest, 'b');
      assert.equal((await store.build('made'))?.artifactDigest, 'a');
      assert.equal(await store.expireBuilds(nowMs + 1), 2);
    });

    it('keeps what a compile led to, the first record staying, and shows it in the result', async () => {
      const compile = { exitCode: 0, diagnostics: Buffer.from('warning'), wallTimeMs: 3 };
      await store.recordBuild('key', { artifactDigest: 'a', compile });
      await store.recordBuild('key', { artifactDigest: 'b' });
      assert.deepEqual(withBuffers(await store.build('key')), { artifactDigest: 'a', compile });
      assert.equal(await store.build('another'), undefined);
      await store.recordBuild('made twice', { artifactDigest: 'a' });
      await store.forgetBuild('made twice');
      await store.recordBuild('made twice', { artifactDigest: 'b' });
      assert.deepEqual(await store.build('made twice'), { artifactDigest: 'b' });
      await store.forgetBuild('made twice');
      assert.equal(await store.expireBuilds(nowMs), 0);
      nowMs += 1;
      assert.equal(await store.expireBuilds(nowMs), 1);
      assert.equal(await store.build('key'), undefined);
      const { id } = await accepted();
      await store.markSaved(id, { artifactDigest: 'a', compile });
      await store.finish(id, 1, aResult());
      assert.deepEqual(withBuffers((await store.get(id))?.result?.compile), compile);
    });

    it('keeps the newest record of each runner, and forgets one that is long gone', async () => {
      const runner = (seenAtMs: number) => ({
        languages: [],
        slots: 4,
        isolation: { driver: 'jail', summary: '', weak: false, layers: [] },
        seenAtMs,
      });
      await store.putRunner('127.0.0.1:1', runner(nowMs - 3));
      await store.putRunner('127.0.0.1:1', runner(nowMs - 2));
      await store.putRunner('[::1]:2', runner(nowMs - 1));
      await store.putRunner('unix:/gone', runner(nowMs));
      await store.forgetRunners((address, { seenAtMs }) => address === 'unix:/gone' && seenAtMs === nowMs);
      assert.deepEqual((await store.runners()).map(({ seenAtMs }) => nowMs - seenAtMs).toSorted(), [1, 2]);
      nowMs += 25 * 3_600_000;
      assert.deepEqual(await store.runners(), []);
    });

    it('takes a batch with all of its jobs, in flight like any others, and twice without harm', async () => {
      const { batch, jobs } = aBatch(250, { metadata: { 'a.b': '$c' } });
      const before = await store.inFlightCount();
      await store.insertBatch(batch, jobs);
      await store.insertBatch({ ...batch, total: 1 }, jobs);
      assert.deepEqual(await store.batch(batch.id), batch);
      assert.equal(await store.inFlightCount(), before + 250);
      assert.deepEqual(withBuffers((await store.get(jobs[249]?.id ?? ''))?.job), withBuffers(jobs[249]));
      assert.equal(await store.batch(newId()), undefined);
      for (const { id } of jobs) await store.finish(id, 0, aResult('cancelled'));
    });

    it('tells of many jobs at once where each stands', async () => {
      const { batch, jobs } = aBatch(6);
      await store.insertBatch(batch, jobs);
      const [ended, running, again, queued, saving, waiting] = jobs.map(({ id }) => id) as [string, ...string[]];
      await store.finish(ended, 0, aResult('failed'));
      for (const id of [running, again, queued] as string[]) await store.markSaved(id, { artifactDigest: '' });
      await claimed(running as string);
      await store.release(await claimed(again as string), 'w1', 'handed_back');
      await claimed(again as string);
      await store.release(await claimed(queued as string), 'w1', 'failed');
      await claimed(saving as string, 'save');
      const standings = await store.standings([...jobs.map(({ id }) => id)]);
      assert.deepEqual(standings.get(ended), { status: 'failed', finishedAtMs: nowMs });
      assert.deepEqual(
        [running, again, queued, saving, waiting].map((id) => standings.get(id as string)),
        ['running', 'running', 'queued', 'saving', 'accepted'].map((status) => ({ status })),
      );
      await store.cancelAll(jobs.map(({ id }) => id));
      for (const { id } of jobs) assert.equal(await store.isCancelled(id), true);
      for (const { id } of jobs) await store.finish(id, 0, aResult('cancelled'));
    });

    it('keeps an old batch whole until its last job has ended, and then removes it with its jobs', async () => {
      const { batch, jobs } = aBatch(3, { createdAtMs: 1 });
      const [first, second, third] = jobs.map(({ id }) => id) as [string, string, string];
      await store.insertBatch(batch, jobs);
      for (const id of [first, second]) await store.finish(id, 1, aResult());
      assert.equal(await store.expireBatches(2), 0);
      await store.expire(2, 1_000);
      assert.ok(await store.get(first));
      await store.finish(third, 1, aResult());
      assert.equal(await store.expireBatches(1), 0);
      assert.equal(await store.expireBatches(2), 1);
      assert.equal(await store.batch(batch.id), undefined);
    });

    it('removes finished jobs that are old, and no others', async () => {
      const [young, unfinished] = [await accepted(), await accepted({ createdAtMs: 1 })];
      await store.finish(young.id, 1, aResult());
      await store.expire(nowMs - 3_600_000, 1_000);
      assert.ok(await store.get(young.id));
      assert.ok(await store.get(unfinished.id));
    });
  });
}
