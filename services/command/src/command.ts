/** The command service without its doors: the use cases, and whether it can serve. */
import type {
  ArtifactStore,
  JobFeed,
  JobQueue,
  JobStore,
  KeyLimits,
  KeyStore,
  Latencies,
  Log,
  Meters,
  WorkerRecords,
} from '@runlane/core';
import { v7 } from 'uuid';
import { type Attachments, createAttachments } from './attach.js';
import { createAllowance } from './auth/allowance.js';
import { type Auth, createAuth } from './auth/auth.js';
import { createKeys } from './auth/keys.js';
import { type Batches, createBatches } from './batches.js';
import { createDeliveries, type Deliveries } from './deliveries.js';
import { createFiles, type Files } from './files.js';
import { createJobs, type Jobs } from './jobs.js';
import { createLanguages, type Languages } from './languages.js';
import { createMetrics, type Metrics } from './metrics.js';
import { createRoom } from './room.js';
import { createStatus } from './status.js';
import { createSubmit, type Submission, type Submitted } from './submit.js';
import { type BatchSubmission, createSubmitBatch, type SubmittedBatch } from './submit-batch.js';
import { type CallbackConfig, createTermProblems } from './term-problems.js';
import { traced } from './traced.js';
import { createWatch, type Watch } from './watch.js';
import { createWatchBatch } from './watch-batch.js';

export interface Command {
  readonly auth: Auth;
  submit(submission: Submission): Promise<Submitted>;
  readonly jobs: Jobs;
  readonly watch: Watch;
  readonly attachments: Attachments;
  submitBatch(submission: BatchSubmission): Promise<SubmittedBatch>;
  readonly batches: Batches;
  readonly watchBatch: ReturnType<typeof createWatchBatch>;
  readonly files: Files;
  readonly deliveries: Deliveries;
  readonly languages: Languages;
  readonly status: ReturnType<typeof createStatus>;
  readonly metrics: Metrics;
  /** Of Runlane. */
  readonly version: string;
  /** Ready: the store answers and a runner has been seen. Without its queue it still accepts jobs: `degraded`. */
  readiness(): Promise<{
    readonly ready: boolean;
    readonly checks: Readonly<Record<'store' | 'queue' | 'runners', string>>;
  }>;
  /** It is not ready any more, whatever the checks say: it is about to stop. */
  leave(): void;
}

export interface CommandOptions {
  readonly store: JobStore;
  readonly queue: JobQueue;
  readonly feed: JobFeed;
  readonly artifacts: Pick<ArtifactStore, 'open'>;
  readonly keys: KeyStore;
  readonly meters: Meters;
  readonly workers: WorkerRecords;
  readonly latencies: Latencies;
  readonly log: Log;
  readonly version: string;
  readonly config: CallbackConfig & {
    readonly AUTH: 'none' | 'keys' | undefined;
    readonly ADMIN_KEY: string | undefined;
    readonly EMBED_REQUESTS_PER_MINUTE: number;
    readonly EMBED_UNFINISHED_JOBS: number;
    readonly EMBED_CPU_SECONDS_PER_DAY: number;
    readonly MAX_QUEUED_JOBS: number;
    readonly MAX_DOWNLOADS: number;
    readonly DOWNLOAD_STALL_SECONDS: number;
  };
}

export function createCommand(options: CommandOptions): Command {
  const { store, queue, feed, artifacts, meters, workers, latencies, log, version, config } = options;
  const metrics = createMetrics({ store, latencies });
  const languages = createLanguages(store);
  const allowance = createAllowance({ store, meters });
  const jobs = createJobs({ store, feed, queue });
  const termProblems = createTermProblems(config);
  const watch = createWatch({ jobs, store, feed });
  const batches = createBatches({ jobs, store, log });
  const room = createRoom(store, config.MAX_QUEUED_JOBS);
  const newId = () => v7();
  const accepting = { store, queue, languages, termProblems, newId, room, allowance, metrics, log };
  const answers = (asked: Promise<void>) =>
    asked.then(
      () => 'ok',
      () => 'away',
    );
  let leaving = false;
  return {
    auth: createAuth({ keys: keysOf(options), allowance, embedLimits: embedLimitsOf(config) }),
    submit: traced(createSubmit(accepting)),
    jobs,
    watch: { ...watch, watch: counted(watch.watch, metrics) },
    attachments: createAttachments({ jobs, store, feed, watch, log }),
    submitBatch: traced(createSubmitBatch({ ...accepting, batches })),
    batches,
    watchBatch: createWatchBatch({ batches, store }),
    files: createFiles({
      jobs,
      artifacts,
      maxDownloads: config.MAX_DOWNLOADS,
      takeWithinMs: config.DOWNLOAD_STALL_SECONDS,
    }),
    deliveries: createDeliveries({ jobs, store }),
    languages,
    metrics,
    status: createStatus({ store, queue, workers, languages }),
    version,
    async readiness() {
      const [storeState, queueState, runners] = await Promise.all([
        answers(store.ping()),
        answers(queue.ping()),
        languages.runners().catch(() => []),
      ]);
      const checks = {
        store: storeState,
        queue: queueState === 'ok' ? 'ok' : 'degraded',
        runners: runners.some(({ available }) => available) ? 'ok' : 'none',
      };
      return { ready: !leaving && checks.store === 'ok' && checks.runners === 'ok', checks };
    },
    leave() {
      leaving = true;
    },
  };
}

const embedLimitsOf = (config: CommandOptions['config']): KeyLimits => ({
  requestsPerMinute: config.EMBED_REQUESTS_PER_MINUTE,
  unfinishedJobs: config.EMBED_UNFINISHED_JOBS,
  cpuSecondsPerDay: config.EMBED_CPU_SECONDS_PER_DAY,
});

/** Whoever watches is counted for as long as that lasts. */
function counted(watch: Watch['watch'], metrics: Metrics): Watch['watch'] {
  return async function* watchCounted(...args) {
    const left = metrics.watching();
    try {
      yield* watch(...args);
    } finally {
      left();
    }
  };
}

/** @throws Error where keys are to be asked for, and nobody could make the first. */
function keysOf({ keys: store, config: { AUTH, ADMIN_KEY: adminKey, MAX_QUEUED_JOBS } }: CommandOptions) {
  if (AUTH !== 'keys') return undefined;
  // So that no owner takes all of the room.
  const usualUnfinishedJobs = Math.ceil(MAX_QUEUED_JOBS / 2);
  if (adminKey !== undefined) return createKeys({ store, adminKey, usualUnfinishedJobs });
  throw new Error(
    'AUTH=keys needs ADMIN_KEY, with which the first keys are made: `openssl rand -hex 32` gives a good one',
  );
}
