/**
 * Brings back what queues lost: every job without a result is looked for again and again, from a moving cursor, and one that is
 * in no queue is delivered anew where nobody works on it. All of it is harmless to repeat, so every worker does it and none leads.
 */
import {
  deliveryOf,
  type InFlight,
  isOver,
  type Job,
  ORPHAN_AFTER_MS,
  resultWithoutRun,
  STAGES,
  type Stage,
} from '@runlane/core';
import { endWithoutRun } from './claimed.js';
import type { WorkerContext } from './context.js';
import { createRounds } from './rounds.js';

const BATCH = 200;
const LOOKED_AT_ONCE = 10;
const KEY_RETENTION_MS = 24 * 3_600_000;
const EXPIRE_EVERY_MS = 600_000;
/** How long the pause between two batches is, in the time that the first took: many jobs in flight are not to take the machine. */
const PAUSE_RATIO = 2;
/**
 * How much longer artifacts are kept than jobs, in milliseconds: files of a result must not go before its job does, though
 * clocks differ, and a store may note use late.
 */
const ARTIFACTS_LONGER_MS = 3_600_000;

export interface Reconciler {
  /** One batch; true when the end was reached and the next call begins anew. */
  tick(olderThanMs: number): Promise<boolean>;
  close(): void;
}

export interface ReconcilerOptions {
  /** Age from which a job is looked after, in milliseconds; also the pause between rounds. */
  readonly graceMs: number;
  readonly retentionMs: number;
  /** Look after some of what is owed to callbacks; true when the end was reached. */
  readonly lookAfterCallbacks?: () => Promise<boolean>;
}

export function createReconciler(
  context: WorkerContext,
  { graceMs, retentionMs, lookAfterCallbacks = async () => true }: ReconcilerOptions,
): Reconciler {
  const { store, queue, artifacts, log } = context;
  const walk = createRounds(store.inFlight, BATCH);
  let expiredAtMs = 0;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  async function look({ id, createdAtMs }: InFlight): Promise<void> {
    const view = await store.get(id);
    if (!view) {
      // Asked again right before: its acceptance may be on its way still.
      if (Date.now() - createdAtMs > ORPHAN_AFTER_MS && !(await store.job(id))) await store.settle(id);
    } else if (isOver(view)) {
      await store.settle(id);
    } else if (view.status === 'accepted' || view.status === 'queued') {
      // In any other status, somebody holds it.
      if (await store.isCancelled(id)) await endWithoutRun(context, view.job, resultWithoutRun('cancelled'));
      else await bringBack(view.job, view.status === 'queued' ? 'exec' : 'save');
    }
  }

  const bringBack = (job: Job, stage: Stage) => queue.add(stage, job.id, deliveryOf(job, stage));

  /** Those that no queue knows: far fewer readings than a look at each. */
  async function lost(some: readonly InFlight[]): Promise<readonly InFlight[]> {
    if (some.length === 0) return some;
    const asked = Promise.all(STAGES.map((stage) => queue.missing(stage, some)));
    const missing = await asked.catch(() => undefined);
    // Without the queue, what is not its affair is looked after all the same: cancellations, orphans.
    if (!missing) return some;
    return some.filter(({ id }) => missing.every((ids) => ids.has(id)));
  }

  /** One that cannot be looked after must not keep the others waiting. */
  function lookAfter(each: InFlight): Promise<void> {
    return look(each).catch((error) => log.warn({ jobId: each.id, reason: error.message }, 'not looked after'));
  }

  function tick(olderThanMs: number): Promise<boolean> {
    return walk(async (some) => {
      const ageOf = ({ createdAtMs }: InFlight) => Date.now() - createdAtMs;
      // A clock that was ahead is no reason to wait for that time.
      const old = some.filter((each) => ageOf(each) >= olderThanMs || ageOf(each) < 0);
      const found = await lost(old);
      for (let at = 0; at < found.length; at += LOOKED_AT_ONCE)
        await Promise.all(found.slice(at, at + LOOKED_AT_ONCE).map(lookAfter));
    });
  }

  async function expire(): Promise<void> {
    if (Date.now() - expiredAtMs < EXPIRE_EVERY_MS) return;
    expiredAtMs = Date.now();
    // Before their jobs, which are kept while their batch is.
    await store.expireBatches(Date.now() - retentionMs);
    while ((await store.expire(Date.now() - retentionMs, BATCH)) === BATCH && !closed);
    await store.expireKeys(Date.now() - KEY_RETENTION_MS);
    await store.expireBuilds(Date.now() - retentionMs);
    await artifacts.expire(Date.now() - retentionMs - ARTIFACTS_LONGER_MS);
  }

  async function round(olderThanMs: number): Promise<void> {
    if (closed) return;
    let atEnd = true;
    const beganAtMs = performance.now();
    try {
      atEnd = await tick(olderThanMs);
      atEnd = (await lookAfterCallbacks()) && atEnd;
      await expire();
    } catch (error) {
      log.warn({ reason: (error as Error).message }, 'could not look after jobs in flight; trying again');
    }
    // Workers that started together spread out.
    const pauseMs = atEnd ? graceMs * (0.4 + Math.random() * 0.2) : (performance.now() - beganAtMs) * PAUSE_RATIO;
    if (!closed) timer = setTimeout(() => void round(atEnd ? graceMs : olderThanMs), pauseMs).unref();
  }

  // The first round takes all, however young: a queue in memory is empty after a start.
  void round(0);

  return {
    tick,
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
