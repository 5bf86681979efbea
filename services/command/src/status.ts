/** How the platform fares: what waits, who works, what runs programs and what keeps those apart. */
import {
  type Depth,
  type JobQueue,
  type JobStore,
  QUEUE_NAMES,
  QUEUED_STAGES,
  type QueuedStage,
  type WorkerRecords,
} from '@runlane/core';
import type { Languages } from './languages.js';

/** A worker tells of itself every 5 seconds; one that has not for this long, in milliseconds, is taken to be away. */
const AWAY_AFTER_MS = 20_000;

export interface PlatformStatus {
  readonly unfinishedJobs: number;
  readonly queues: readonly ({ readonly name: string } & Partial<Depth>)[];
  readonly workers: readonly (Awaited<ReturnType<WorkerRecords['all']>>[number] & { readonly available: boolean })[];
  readonly runners: Awaited<ReturnType<Languages['runners']>>;
}

export interface StatusDependencies {
  readonly store: Pick<JobStore, 'inFlightCount'>;
  readonly queue: Pick<JobQueue, 'depth'>;
  readonly workers: WorkerRecords;
  readonly languages: Pick<Languages, 'runners'>;
}

export function createStatus({ store, queue, workers, languages }: StatusDependencies) {
  /** Nothing while the queue is away: jobs are accepted all the same. */
  const depthOf = (stage: QueuedStage) => queue.depth(stage).catch(() => ({}));

  return async function status(): Promise<PlatformStatus> {
    const [unfinishedJobs, queues, known, runners] = await Promise.all([
      store.inFlightCount(),
      Promise.all(QUEUED_STAGES.map(async (stage) => ({ name: QUEUE_NAMES[stage], ...(await depthOf(stage)) }))),
      workers.all(),
      languages.runners(),
    ]);
    return {
      unfinishedJobs,
      queues,
      workers: known.map((worker) => ({ ...worker, available: Date.now() - worker.seenAtMs < AWAY_AFTER_MS })),
      runners,
    };
  };
}
