/** A worker: both stages, callbacks, the reconciler, and an orderly stop. It holds nothing that another worker cannot take over. */
import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChannelCredentials } from '@grpc/grpc-js';
import {
  type ArtifactStore,
  type DeliveryHandler,
  type JobFeed,
  type JobId,
  type JobQueue,
  type JobStore,
  type Latencies,
  type Log,
  type Meters,
  type QueuedStage,
  type WorkerRecords,
  withQuota,
} from '@runlane/core';
import { type CallbackConfig, createCallbackStage } from './callback/stage.js';
import type { Outcome } from './claimed.js';
import type { WorkerContext } from './context.js';
import { createExecute } from './execute.js';
import { createMetrics, type Metrics } from './metrics.js';
import { createPresence } from './presence.js';
import { createReconciler } from './reconcile.js';
import { createRunnerPool, type RunnerPool } from './runner-pool.js';
import { createSave } from './save.js';

export interface WorkerOptions {
  readonly store: JobStore;
  readonly queue: JobQueue;
  readonly feed: JobFeed;
  readonly artifacts: ArtifactStore;
  readonly meters: Meters;
  readonly workers: WorkerRecords;
  readonly latencies: Latencies;
  readonly log: Log;
  /** For runners that are reached over TCP; in the open when left out. */
  readonly runnerCredentials?: ChannelCredentials;
  readonly config: CallbackConfig & {
    readonly RUNNERS: readonly string[];
    readonly LEASE_SECONDS: number;
    readonly WORKER_CONCURRENCY: number;
    readonly RECONCILE_SECONDS: number;
    readonly RETENTION_HOURS: number;
    readonly ARTIFACT_STORE_MB: number;
  };
}

export interface Worker {
  readonly metrics: Metrics;
  readonly pool: RunnerPool;
  /** Resolves when a runner is connected, what it offers is recorded, and deliveries are taken. */
  readonly ready: Promise<void>;
  readonly stopping: boolean;
  /** Take no more jobs, finish those that run; near the end of this time, in milliseconds, hand back what still does. */
  close(withinMs: number): Promise<void>;
}

/** Kept of the time to stop for handing back, in milliseconds. */
const HAND_BACK_MS = 3_000;
/** Saving is short and mostly the store's work: more at once would only crowd out those who submit. */
const SAVES_AT_ONCE = 4;

/** How often runners are asked again what they offer, and recorded as seen, in milliseconds. */
const REFRESH_RUNNERS_EVERY_MS = 10_000;

export function createWorker({
  store,
  queue,
  feed,
  artifacts,
  meters,
  workers,
  latencies,
  log,
  runnerCredentials,
  config,
}: WorkerOptions): Worker {
  const workerId = `${hostname()}/${randomUUID()}`;
  const draining = new AbortController();
  const stopping = new AbortController();
  // Every job that runs or waits here listens to them.
  setMaxListeners(0, draining.signal, stopping.signal);
  let recorded: Promise<void> | undefined;
  const pool = createRunnerPool({
    names: config.RUNNERS,
    credentials: runnerCredentials,
    log,
    onDescribed(address, record) {
      recorded = store
        .putRunner(address, record)
        .catch((error) => log.warn({ reason: error.message }, 'a runner is not recorded yet'));
    },
  });
  const tellSlots = () => void queue.setSlots(pool.slots().total).catch(() => undefined);
  const refreshing = setInterval(() => {
    tellSlots();
    void pool.refresh();
  }, REFRESH_RUNNERS_EVERY_MS).unref();
  const metrics = createMetrics({ queue, slots: pool.slots, latencies });
  const presence = createPresence({ workerId, workers, metrics, pool, log });
  const context: WorkerContext = {
    workerId,
    store,
    queue,
    feed,
    artifacts: withQuota(artifacts, { maxBytes: config.ARTIFACT_STORE_MB, log }),
    meters,
    pool,
    metrics,
    log,
    leaseMs: config.LEASE_SECONDS,
    draining: draining.signal,
    stopping: stopping.signal,
  };
  const running = new Set<Promise<unknown>>();

  function handlerOf(stage: QueuedStage, handle: (id: JobId) => Promise<Outcome>): DeliveryHandler {
    return async (id) => {
      const startedAtMs = performance.now();
      const work = handle(id).catch((error: unknown): Outcome => {
        log.warn(
          { jobId: id, stage, reason: (error as Error).message },
          'delivery failed; the reconciler brings it back',
        );
        return 'failed';
      });
      running.add(work);
      const outcome = await work;
      running.delete(work);
      metrics.handled(stage, outcome, performance.now() - startedAtMs);
    };
  }

  const callbacks = createCallbackStage(context, config);
  // These wait for no runner.
  if (callbacks) queue.process('callback', callbacks.concurrency, handlerOf('callback', callbacks.deliver));
  // Deliveries are taken only once a runner is there: until then, jobs wait in the queue, not in this process.
  const taking = pool.ready.then(() => {
    if (draining.signal.aborted) return;
    tellSlots();
    queue.process('save', Math.min(config.WORKER_CONCURRENCY, SAVES_AT_ONCE), handlerOf('save', createSave(context)));
    queue.process('exec', config.WORKER_CONCURRENCY, handlerOf('exec', createExecute(context)));
  });
  const ready = taking.then(() => recorded);
  const reconciler = createReconciler(context, {
    graceMs: config.RECONCILE_SECONDS,
    retentionMs: config.RETENTION_HOURS,
    ...(callbacks && { lookAfterCallbacks: callbacks.look }),
  });

  return {
    metrics,
    pool,
    ready,
    get stopping() {
      return draining.signal.aborted;
    },
    async close(withinMs) {
      draining.abort();
      reconciler.close();
      clearInterval(refreshing);
      await queue.pause().catch((error) => log.warn({ reason: error.message }, 'could not pause the queue'));
      const idle = (async () => {
        while (running.size > 0) await Promise.all(running);
      })();
      await Promise.race([idle, sleep(Math.max(withinMs - HAND_BACK_MS, 0), undefined, { ref: false })]);
      stopping.abort();
      await Promise.race([idle, sleep(HAND_BACK_MS / 2, undefined, { ref: false })]);
      await presence.leave();
      pool.close();
    },
  };
}
