/**
 * Brings back what queues lost: every job without a result is looked at again and again, from a moving cursor, and
 * delivered anew where nobody works on it. All of it is harmless to repeat, so every worker does it and none leads.
 */
import { type InFlight, isOver, ORPHAN_AFTER_MS, priorityOf, resultWithoutRun } from '@runlane/core';
import { endWithoutRun } from './claimed.js';
import type { WorkerContext } from './context.js';
import { createRounds } from './rounds.js';

const BATCH = 200;
const KEY_RETENTION_MS = 24 * 3_600_000;
const EXPIRE_EVERY_MS = 600_000;
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
      else await queue.add(view.status === 'queued' ? 'exec' : 'save', id, { priority: priorityOf(view.job) });
    }
  }

  function tick(olderThanMs: number): Promise<boolean> {
    return walk(async (each) => {
      if (Date.now() - each.createdAtMs < olderThanMs) return;
      // One that cannot be looked after must not keep the others waiting.
      await look(each).catch((error) => log.warn({ jobId: each.id, reason: error.message }, 'not looked after'));
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
    try {
      atEnd = await tick(olderThanMs);
      atEnd = (await lookAfterCallbacks()) && atEnd;
      await expire();
    } catch (error) {
      log.warn({ reason: (error as Error).message }, 'could not look after jobs in flight; trying again');
    }
    // Workers that started together spread out.
    const pauseMs = atEnd ? graceMs * (0.4 + Math.random() * 0.2) : 10;
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
