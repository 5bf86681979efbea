/** The command service without its doors: the use cases, and whether it can serve. */
import type { ArtifactStore, JobFeed, JobQueue, JobStore, Log } from '@runlane/core';
import { v7 } from 'uuid';
import { type Attachments, createAttachments } from './attach.js';
import { type Batches, createBatches } from './batches.js';
import { type CallbackConfig, createCallbackProblems } from './callback-problems.js';
import { createDeliveries, type Deliveries } from './deliveries.js';
import { createFiles, type Files } from './files.js';
import { createJobs, type Jobs } from './jobs.js';
import { createLanguages, type Languages } from './languages.js';
import { createRoom } from './room.js';
import { createSubmit } from './submit.js';
import { createSubmitBatch } from './submit-batch.js';
import { createWatch, type Watch } from './watch.js';
import { createWatchBatch } from './watch-batch.js';

export interface Command {
  readonly submit: ReturnType<typeof createSubmit>;
  readonly jobs: Jobs;
  readonly watch: Watch;
  readonly attachments: Attachments;
  readonly submitBatch: ReturnType<typeof createSubmitBatch>;
  readonly batches: Batches;
  readonly watchBatch: ReturnType<typeof createWatchBatch>;
  readonly files: Files;
  readonly deliveries: Deliveries;
  readonly languages: Languages;
  /** Of Runlane. */
  readonly version: string;
  /** Ready: the store answers and a runner has been seen. Without its queue it still accepts jobs: `degraded`. */
  readiness(): Promise<{
    readonly ready: boolean;
    readonly checks: Readonly<Record<'store' | 'queue' | 'runners', string>>;
  }>;
}

export interface CommandOptions {
  readonly store: JobStore;
  readonly queue: JobQueue;
  readonly feed: JobFeed;
  readonly artifacts: Pick<ArtifactStore, 'open'>;
  readonly log: Log;
  readonly version: string;
  readonly config: CallbackConfig & {
    readonly MAX_QUEUED_JOBS: number;
    readonly MAX_DOWNLOADS: number;
    readonly DOWNLOAD_STALL_SECONDS: number;
  };
}

export function createCommand({ store, queue, feed, artifacts, log, version, config }: CommandOptions): Command {
  const languages = createLanguages(store);
  const jobs = createJobs({ store, feed, queue });
  const callbackProblems = createCallbackProblems(config);
  const watch = createWatch({ jobs, store, feed });
  const batches = createBatches({ jobs, store, log });
  const room = createRoom(store, config.MAX_QUEUED_JOBS);
  const answers = (asked: Promise<void>) =>
    asked.then(
      () => 'ok',
      () => 'away',
    );
  return {
    submit: createSubmit({ store, queue, languages, callbackProblems, newId: () => v7(), room, log }),
    jobs,
    watch,
    attachments: createAttachments({ jobs, store, feed, watch, log }),
    submitBatch: createSubmitBatch({
      store,
      queue,
      batches,
      languages,
      callbackProblems,
      newId: () => v7(),
      room,
      log,
    }),
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
      return { ready: checks.store === 'ok' && checks.runners === 'ok', checks };
    },
  };
}
