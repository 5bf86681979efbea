/**
 * What happens to a job, from acceptance to result, as facts inserted once (`facts.ts`). This is the one source of truth:
 * queues and feeds may be lost and are rebuilt from it. Written once, over every store: its promises are the tests in
 * `job-store.contract.ts`, which run over each.
 */
import { type Batch, type BatchId, batchJobIds } from './batch.js';
import { type Callbacks, createCallbacks, owedOf } from './callbacks.js';
import { createEarlyClock } from './early-clock.js';
import type { Attempt, Fact, FactStore, Facts, IdempotencyClaim, RunnerRecord, Saved, StoredResult } from './facts.js';
import {
  type FinalStatus,
  type Job,
  type JobId,
  type JobView,
  type OwnerId,
  type Result,
  STAGES,
  type Stage,
  type Status,
} from './job.js';
import { priorityOf } from './job-queue.js';
import { deriveStatus, isFinal, isLive, type Lease } from './job-state.js';
import type { TracePlace } from './tracing/tracing.js';

/** The right to work on a stage of a job until the lease runs out; heartbeats renew it. */
export interface Claim {
  readonly id: JobId;
  readonly stage: Stage;
  /** From 1. */
  readonly attempt: number;
  readonly startedAtMs: number;
  readonly trace?: TracePlace;
}

export interface NumberedAttempt extends Attempt {
  readonly number: number;
}

/** What came of asking for a claim. */
export type ClaimOutcome =
  | {
      readonly outcome: 'claimed';
      readonly claim: Claim;
      /** The attempt before. Where it has not `ended`, it fell silent: what it started may have run. */
      readonly before?: NumberedAttempt;
    }
  /** The job has a result, or is unknown: there is nothing to do. */
  | { readonly outcome: 'over' }
  /** Somebody else holds a live lease. */
  | { readonly outcome: 'held' }
  /** Every allowed attempt was used: end the job with `error`. */
  | { readonly outcome: 'exhausted'; readonly attempts: number; readonly before?: NumberedAttempt };

export interface ListQuery {
  readonly ownerId: OwnerId;
  readonly status?: Status | undefined;
  readonly language?: string | undefined;
  /** Only jobs older than this one. */
  readonly before?: JobId | undefined;
  /** At most this many jobs. */
  readonly limit: number;
}

export interface JobPage {
  readonly jobs: readonly JobView[];
  /** Pass as `before` to go on; undefined at the end. A page may be short, even empty, and still go on. */
  readonly next?: JobId;
}

/** What is in flight, as the reconciler sees it. */
export interface InFlight {
  readonly id: JobId;
  readonly ownerId: OwnerId;
  readonly createdAtMs: number;
  /** Of its deliveries; absent where it is 0. */
  readonly priority?: number;
}

/** Where a job stands, without what it is and what it wrote. */
export interface Standing {
  readonly status: Status;
  readonly finishedAtMs?: number;
}

export interface JobStore {
  /**
   * Accept a job: it is durable when this resolves, and nobody may be told of it before. `onVisible` is called as soon as
   * workers can see it, which may be earlier. Repeating it with the same id is harmless.
   */
  insert(job: Job, onVisible?: () => void): Promise<void>;
  /**
   * Accept a batch with its jobs (`batchJobIds`, in order): all are durable when this resolves, and nobody may be told of them
   * before. When it throws, or the process dies, some jobs may be there, which then run like any others; repeating it adds
   * what is missing.
   */
  insertBatch(batch: Batch, jobs: readonly Job[]): Promise<void>;
  /** The batch, or undefined when the id is unknown; where there is one, all of its jobs are there. */
  batch(id: BatchId): Promise<Batch | undefined>;
  /** Where each of these jobs stands, in a few readings for all of them; a job that is unknown seems to be `accepted`. */
  standings(ids: readonly JobId[]): Promise<Map<JobId, Standing>>;
  /** Who has an idempotency key, if anybody. */
  reservation(ownerId: OwnerId, key: string): Promise<IdempotencyClaim | undefined>;
  /** Take an idempotency key for a job or batch to be; the claim that holds, which is another's when it came first. */
  reserve(ownerId: OwnerId, key: string, claim: IdempotencyClaim): Promise<IdempotencyClaim>;
  /** The job as it is now, or undefined when the id is unknown: a miss is an answer, not an error. */
  get(id: JobId): Promise<JobView | undefined>;
  /** What was accepted, without what became of it: cheaper than `get`. */
  job(id: JobId): Promise<Job | undefined>;
  /** Whether the job has ended: cheaper than `get`. */
  isFinished(id: JobId): Promise<boolean>;
  /** Jobs of an owner, newest first, without sources and output; at most 1,000 are looked at for a page. */
  list(query: ListQuery): Promise<JobPage>;
  /**
   * Ask to work on a stage. Of many callers one gets the claim. `durable`: it is on disk when this resolves, for what must never
   * be done twice, not even after a power cut. `trace`: where the attempt is in the job's trace.
   */
  claim(id: JobId, stage: Stage, workerId: string, durable?: boolean, trace?: TracePlace): Promise<ClaimOutcome>;
  /** Renew a lease. */
  heartbeat(claim: Claim, workerId: string): Promise<void>;
  /** Give a claim up without a result: another may claim at once. Only an attempt that `failed` is counted. */
  release(claim: Claim, workerId: string, how: NonNullable<Attempt['ended']>): Promise<void>;
  /** The save stage is done. */
  markSaved(id: JobId, saved: Saved): Promise<void>;
  saved(id: JobId): Promise<Saved | undefined>;
  /** Whether somebody holds a live lease on the stage that the job is in. */
  isHeld(id: JobId): Promise<boolean>;
  /**
   * Record how the job ended; true when this call decided it. The first result wins, a cancellation included: a worker
   * that lost its lease may still call this, and what comes second changes nothing. Durable when this resolves.
   */
  finish(id: JobId, attempt: number, result: Result): Promise<boolean>;
  /** Record the wish to end a job; durable when this resolves. */
  cancel(id: JobId): Promise<void>;
  /** The same for many. */
  cancelAll(ids: readonly JobId[]): Promise<void>;
  isCancelled(id: JobId): Promise<boolean>;
  /** Attach to an interactive job; true for the first, and for nobody after it. Durable when this resolves. */
  attach(id: JobId): Promise<boolean>;
  isAttached(id: JobId): Promise<boolean>;
  /** What becomes of telling jobs' ends to their callbacks. */
  readonly callbacks: Callbacks;
  /** Jobs without a result, oldest first, after a cursor. */
  inFlight(after: JobId | undefined, limit: number): Promise<InFlight[]>;
  inFlightCount(): Promise<number>;
  /** Forget that a job is in flight: only for one that has a result, or was never accepted. */
  settle(id: JobId): Promise<void>;
  /** What a compile led to; a refusal only for a minute, as its cause may be gone: a header that was missing, say. */
  build(key: string): Promise<Saved | undefined>;
  /** Record what a compile led to; the first record stays. */
  recordBuild(key: string, build: Saved): Promise<void>;
  /** Forget a compile, so that it can be recorded anew. */
  forgetBuild(key: string): Promise<void>;
  /** What a worker saw of a runner, by the runner's address. */
  putRunner(address: string, runner: RunnerRecord): Promise<void>;
  runners(): Promise<RunnerRecord[]>;
  /** Forget those that will never come back. */
  forgetRunners(isGone: (address: string, runner: RunnerRecord) => boolean): Promise<void>;
  /** Forget idempotency keys taken before this time; the number forgotten. */
  expireKeys(takenBeforeMs: number): Promise<number>;
  /** Forget compiles recorded before this time, so that they are made again; the number forgotten. */
  expireBuilds(recordedBeforeMs: number): Promise<number>;
  /** Remove finished jobs accepted before this time, oldest first, at most `limit`, but none of a batch, nor one whose end is still to be told; the number removed. */
  expire(acceptedBeforeMs: number, limit: number): Promise<number>;
  /** Forget batches accepted before this time whose jobs have all ended, so that these expire; the number forgotten. */
  expireBatches(acceptedBeforeMs: number): Promise<number>;
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface JobStoreOptions {
  readonly facts: FactStore;
  /** How long a claim holds without a heartbeat, in milliseconds. */
  readonly leaseMs: number;
  /** Attempts at each stage before a job ends with `error`. */
  readonly maxAttempts: number;
  /** The time, in milliseconds since the epoch. */
  readonly now?: () => number;
  /** Milliseconds by a clock that nobody sets. */
  readonly monotonicNow?: () => number;
}

const PAGE_SCAN_LIMIT = 1_000;
/** A job may be several megabytes, with its sources and output: never many in memory at once. */
const JOBS_AT_ONCE = 10;

/** Facts of so many jobs are inserted together: few enough to be written within a call's time, and for others to get in between. */
const INSERTED_AT_ONCE = 100;

/** How long a runner that is away is remembered, in milliseconds: jobs for its languages are taken until then. */
const FORGET_RUNNER_MS = 24 * 3_600_000;

/** How long the same sources are answered with the compiler's earlier refusal, in milliseconds. */
const KEEP_REFUSAL_MS = 60_000;

const attemptId = (id: JobId, stage: Stage, attempt: number) => `${id}:${stage === 'save' ? 's' : 'e'}:${attempt}`;

interface Newest {
  readonly number: number;
  readonly attempt: Attempt | undefined;
  /** How many were made and not handed back. */
  readonly counted: number;
}

export function createJobStore(options: JobStoreOptions): JobStore {
  const { facts, leaseMs, maxAttempts, now = Date.now, monotonicNow = () => performance.now() } = options;
  const earlyClock = createEarlyClock({ now, monotonicNow });
  const callbacks = createCallbacks({ facts, now });

  /** Attempts are few (three, and those handed back), and numbered without gaps. */
  async function newestAttempt(id: JobId, stage: Stage): Promise<Newest> {
    let newest: Newest = { number: 0, attempt: undefined, counted: 0 };
    for (;;) {
      const name = attemptId(id, stage, newest.number + 1);
      const attempt = await facts.get('attempts', name);
      if (!attempt) return newest;
      newest = {
        number: newest.number + 1,
        attempt: earlyClock.corrected(name, attempt),
        counted: newest.counted + (attempt.ended === 'handed_back' ? 0 : 1),
      };
    }
  }

  /** The newest attempt of each job that has one: a reading for each number that any of them came to. */
  async function newestLeases(ids: readonly JobId[], stage: Stage): Promise<Map<JobId, Lease>> {
    const newest = new Map<JobId, Lease>();
    for (let number = 1, asked = ids; asked.length > 0; number += 1) {
      const nameOf = (id: JobId) => attemptId(id, stage, number);
      const found = await facts.pick('attempts', asked.map(nameOf), ['heartbeatAtMs', 'leaseMs', 'ended']);
      asked = asked.filter((id) => found.has(nameOf(id)));
      for (const id of asked) newest.set(id, earlyClock.corrected(nameOf(id), found.get(nameOf(id)) as Lease));
    }
    return newest;
  }

  async function view(id: JobId, job: Job): Promise<JobView> {
    const [result, saved] = await Promise.all([facts.get('results', id), facts.get('saved', id)]);
    return result ? viewOfEnded(id, job, result, saved) : viewOfOpen(id, job, saved);
  }

  /** Most jobs that are looked at have ended: what was decided needs no attempt but the one that made it. */
  async function viewOfEnded(id: JobId, job: Job, result: StoredResult, saved: Saved | undefined): Promise<JobView> {
    const { status, attempt, finishedAtMs } = result;
    const made = attempt > 0 ? await facts.get('attempts', attemptId(id, 'exec', attempt)) : undefined;
    const ended = { job, status, attempt, finishedAtMs, result: withSavedCompile(result, saved) };
    return { ...ended, ...(made && { startedAtMs: made.startedAtMs }) };
  }

  async function viewOfOpen(id: JobId, job: Job, saved: Saved | undefined): Promise<JobView> {
    const [saving, executing] = await Promise.all([newestAttempt(id, 'save'), newestAttempt(id, 'exec')]);
    const deciding = { saved: saved !== undefined, saveAttempt: saving.attempt, execAttempt: executing.attempt };
    const { number: attempt, attempt: newest } = executing;
    return { job, status: deriveStatus(deciding, now()), attempt, ...(newest && { startedAtMs: newest.startedAtMs }) };
  }

  const beat = (claim: Claim, workerId: string, ended?: Attempt['ended']): Fact => ({
    kind: 'attempts',
    id: attemptId(claim.id, claim.stage, claim.attempt),
    document: {
      workerId,
      startedAtMs: claim.startedAtMs,
      heartbeatAtMs: now(),
      leaseMs,
      ...(ended && { ended }),
      ...(claim.trace && { trace: claim.trace }),
    },
  });

  const inflightOf = (job: Job): Fact => {
    const { id, createdAtMs, ownerId } = job;
    const priority = priorityOf(job);
    return { kind: 'inflight', id, document: { createdAtMs, ownerId, ...(priority > 0 && { priority }) } };
  };
  const cancellationOf = (id: JobId): Fact => ({ kind: 'cancellations', id, document: { createdAtMs: now() } });

  return {
    async insert(job, onVisible) {
      const companions = [inflightOf(job), ...owedOf(job)];
      const options = { durable: true, with: companions, ...(onVisible && { onVisible }) };
      await facts.insert({ kind: 'jobs', id: job.id, document: job }, options);
    },

    async insertBatch(batch, jobs) {
      // Cut off in here, jobs are in flight whose batch nobody knows: they run and end. A job's `inflight` without the job is
      // harmless, and one that a repetition makes again after the job's end is settled by the reconciler like any left behind.
      const jobOf = (job: Job): Fact => ({ kind: 'jobs', id: job.id, document: job });
      for (const some of inParts(jobs))
        await facts.insertAll([...some.map(inflightOf), ...some.flatMap(owedOf), ...some.map(jobOf)]);
      // Last: whoever finds the batch finds all of its jobs.
      await facts.insert({ kind: 'batches', id: batch.id, document: batch }, { durable: true });
    },

    batch: (id) => facts.get('batches', id),

    async standings(ids) {
      const results = await facts.pick('results', ids, ['status', 'finishedAtMs']);
      const open = ids.filter((id) => !results.has(id));
      const [saved, saving, executing] = await Promise.all([
        facts.pick('saved', open, []),
        newestLeases(open, 'save'),
        newestLeases(open, 'exec'),
      ]);
      const standing = (id: JobId): Standing => {
        const deciding = { saved: saved.has(id), saveAttempt: saving.get(id), execAttempt: executing.get(id) };
        return results.get(id) ?? { status: deriveStatus(deciding, now()) };
      };
      return new Map(ids.map((id) => [id, standing(id)]));
    },

    reservation: (ownerId, key) => facts.get('idempotency', `${ownerId}:${key}`),

    async reserve(ownerId, key, claim) {
      const id = `${ownerId}:${key}`;
      // Not synced by itself: the acceptance that follows is, and syncs what was written before it.
      if (await facts.insert({ kind: 'idempotency', id, document: claim }, { durable: false })) return claim;
      return (await facts.get('idempotency', id)) ?? claim;
    },

    async get(id) {
      const job = await facts.get('jobs', id);
      return job && view(id, job);
    },

    job: (id) => facts.get('jobs', id),
    isFinished: async (id) => (await facts.get('results', id)) !== undefined,

    async list({ ownerId, status, language, before, limit }) {
      const jobs: JobView[] = [];
      let after = before;
      for (let looked = 0; looked < PAGE_SCAN_LIMIT; ) {
        const found = await facts.scan('jobs', { after, descending: true, limit: JOBS_AT_ONCE });
        for (const { id, document: job } of found) {
          if (jobs.length === limit) return { jobs, next: after as JobId };
          after = id;
          if (job.ownerId !== ownerId || (language && job.program.language !== language)) continue;
          const seen = withoutBytes(await view(id, job));
          if (!status || seen.status === status) jobs.push(seen);
        }
        looked += found.length;
        if (found.length < JOBS_AT_ONCE) return { jobs };
      }
      return { jobs, ...(after && { next: after }) };
    },

    async claim(id, stage, workerId, durable = false, trace?) {
      const [result, newest] = await Promise.all([facts.get('results', id), newestAttempt(id, stage)]);
      if (result) return { outcome: 'over' };
      const startedAtMs = now();
      if (newest.attempt && isLive(newest.attempt, startedAtMs)) return { outcome: 'held' };
      const before = newest.attempt && { before: { ...newest.attempt, number: newest.number } };
      if (newest.counted >= maxAttempts) return { outcome: 'exhausted', attempts: newest.counted, ...before };
      const claim: Claim = { id, stage, attempt: newest.number + 1, startedAtMs, ...(trace && { trace }) };
      const first = await facts.insert(beat(claim, workerId), { durable });
      return first ? { outcome: 'claimed', claim, ...before } : { outcome: 'held' };
    },

    heartbeat: (claim, workerId) => facts.put(beat(claim, workerId)),
    release: (claim, workerId, how) => facts.put(beat(claim, workerId, how)),

    async markSaved(id, saved) {
      await facts.insert({ kind: 'saved', id, document: saved }, { durable: false });
    },

    saved: (id) => facts.get('saved', id),

    async isHeld(id) {
      // Who saved it is done with it, though the lease of that claim may go on for a while.
      const stage = (await facts.get('saved', id)) ? 'exec' : 'save';
      const { attempt } = await newestAttempt(id, stage);
      return attempt !== undefined && isLive(attempt, now());
    },

    finish(id, attempt, result) {
      const document: StoredResult = { ...result, attempt, finishedAtMs: now() };
      return facts.insert({ kind: 'results', id, document }, { durable: true, removing: { kind: 'inflight', id } });
    },

    async cancel(id) {
      await facts.insert(cancellationOf(id), { durable: true });
    },

    async cancelAll(ids) {
      for (const some of inParts(ids)) await facts.insertAll(some.map(cancellationOf));
    },

    isCancelled: async (id) => (await facts.get('cancellations', id)) !== undefined,

    attach: (id) => facts.insert({ kind: 'attachments', id, document: { createdAtMs: now() } }, { durable: true }),

    isAttached: async (id) => (await facts.get('attachments', id)) !== undefined,

    callbacks,

    async inFlight(after, limit) {
      const found = await facts.scan('inflight', { after, limit });
      return found.map(({ id, document }) => ({ id, ...document }));
    },

    inFlightCount: () => facts.count('inflight'),
    settle: (id) => facts.remove('inflight', id),

    async build(key) {
      const found = await facts.get('builds', key);
      if (!found) return undefined;
      const { createdAtMs, ...build } = found;
      if (build.artifactDigest !== '' || now() - createdAtMs < KEEP_REFUSAL_MS) return build;
      // Out of the way of the next. Should another's, made meanwhile, go with it: that is one more compile.
      await facts.remove('builds', key);
      return undefined;
    },

    async recordBuild(key, build) {
      const document = { ...build, createdAtMs: now() };
      await facts.insert({ kind: 'builds', id: key, document }, { durable: false });
    },

    forgetBuild: (key) => facts.remove('builds', key),

    putRunner: (address, runner) => facts.put({ kind: 'runners', id: address, document: runner }),
    async runners() {
      const all = await facts.scan('runners', { limit: 1_000 });
      const gone = all.filter(({ document }) => now() - document.seenAtMs > FORGET_RUNNER_MS);
      for (const { id } of gone) await facts.remove('runners', id);
      return all.filter((each) => !gone.includes(each)).map(({ document }) => document);
    },
    async forgetRunners(isGone) {
      for (const { id, document } of await facts.scan('runners', { limit: 1_000 }))
        if (isGone(id, document)) await facts.remove('runners', id);
    },

    async expire(acceptedBeforeMs, limit) {
      let removed = 0;
      for (let after: string | undefined, old = true; old && removed < limit; ) {
        const page = await facts.scan('jobs', { after, limit: JOBS_AT_ONCE });
        for (const { id, document: job } of page) {
          old = job.createdAtMs < acceptedBeforeMs;
          if (!old || removed === limit) break;
          // It goes when its batch has gone, which then has no holes.
          if (job.batchId !== undefined && (await facts.get('batches', job.batchId))) continue;
          // Without a result and not in flight either, it is what an earlier removal left when it was cut off.
          if (!(await facts.get('results', id)) && (await facts.get('inflight', id))) continue;
          // Whoever is called may come to fetch more of it.
          if (job.callbackUrl !== undefined && (await callbacks.isOwed(id))) continue;
          await removeJob(job);
          removed += 1;
        }
        after = page.at(-1)?.id;
        old &&= page.length === JOBS_AT_ONCE;
      }
      return removed;
    },

    async expireBatches(acceptedBeforeMs) {
      const hasEnded = async ({ id, total }: Batch) =>
        (await facts.pick('inflight', batchJobIds(id, total), [])).size === 0;
      return removeOlder('batches', acceptedBeforeMs, hasEnded);
    },

    expireKeys: (takenBeforeMs) => removeOlder('idempotency', takenBeforeMs),
    expireBuilds: (recordedBeforeMs) => removeOlder('builds', recordedBeforeMs),

    ping: () => facts.ping(),
    close: () => facts.close(),
  };

  async function removeOlder<K extends 'idempotency' | 'builds' | 'batches'>(
    kind: K,
    createdBeforeMs: number,
    mayGo: (document: Facts[K]) => Promise<boolean> = async () => true,
  ): Promise<number> {
    let removed = 0;
    for (let after: string | undefined, more = true; more; ) {
      const page = await facts.scan(kind, { after, limit: 200 });
      for (const { id, document } of page) {
        if (document.createdAtMs >= createdBeforeMs || !(await mayGo(document))) continue;
        await facts.remove(kind, id);
        removed += 1;
      }
      after = page.at(-1)?.id;
      more = page.length === 200;
    }
    return removed;
  }

  /** The job itself last: what is cut off half-way is found and removed again. */
  async function removeJob({ id, callbackUrl }: Job): Promise<void> {
    for (const stage of STAGES) {
      const { number } = await newestAttempt(id, stage);
      // Newest first: numbers stay without gaps if this is cut off.
      for (let attempt = number; attempt > 0; attempt -= 1)
        await facts.remove('attempts', attemptId(id, stage, attempt));
    }
    await facts.remove('inflight', id);
    await facts.remove('saved', id);
    await facts.remove('cancellations', id);
    await facts.remove('attachments', id);
    if (callbackUrl !== undefined) await callbacks.remove(id);
    await facts.remove('results', id);
    await facts.remove('jobs', id);
  }
}

function* inParts<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += INSERTED_AT_ONCE) yield all.slice(at, at + INSERTED_AT_ONCE);
}

/** A page may hold a hundred jobs: what is large in them is left out. */
function withoutBytes({ job, result, ...rest }: JobView): JobView {
  const nothing = new Uint8Array();
  const { cases: _cases, judge: _judge, ...program } = job.program;
  const { cases: _judged, ...ending } = result ?? {};
  return {
    ...rest,
    job: { ...job, program: { ...program, files: [], stdin: nothing } },
    ...(result && { result: { ...(ending as Result), stdout: nothing, stderr: nothing } }),
  };
}

function withSavedCompile(result: StoredResult, saved: { readonly compile?: Result['compile'] } | undefined): Result {
  return saved?.compile && !result.compile ? { ...result, compile: saved.compile } : result;
}

/** Whether a status is final, as a type guard for views. */
export function isOver(view: JobView): view is JobView & { readonly status: FinalStatus; readonly result: Result } {
  return isFinal(view.status);
}
