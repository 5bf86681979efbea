/** Looking at batches and ending them. A batch is seen by its owner alone; another's is as unknown as none. */
import { setTimeout as sleep } from 'node:timers/promises';
import { RunlaneError } from '@runlane/contract';
import {
  type Batch,
  type BatchId,
  batchJobIds,
  isFinal,
  type JobId,
  type JobStore,
  type Log,
  type OwnerId,
  type Standing,
  type Status,
} from '@runlane/core';
import type { Jobs } from './jobs.js';

/** A batch with what has become of its jobs. */
export interface BatchView {
  readonly batch: Batch;
  /** In the order of submission. */
  readonly jobs: readonly (Standing & { readonly id: JobId })[];
  readonly progress: BatchProgress;
  /** When the last one ended; undefined until all have. */
  readonly finishedAtMs?: number;
}

export interface BatchProgress {
  readonly total: number;
  readonly finished: number;
  /** Those that no job has are left out. */
  readonly counts: Readonly<Partial<Record<Status, number>>>;
}

export interface Batches {
  /** Undefined when there is none; of whichever owner. */
  find(id: BatchId): Promise<BatchView | undefined>;
  /** What was accepted, without what became of it. @throws RunlaneError `BATCH_NOT_FOUND` */
  batch(ownerId: OwnerId, id: BatchId): Promise<Batch>;
  /** @throws RunlaneError `BATCH_NOT_FOUND` */
  get(ownerId: OwnerId, id: BatchId): Promise<BatchView>;
  /** Record the wish to end every job that has not; the batch soon after. @throws RunlaneError `BATCH_NOT_FOUND` */
  cancel(ownerId: OwnerId, id: BatchId): Promise<BatchView>;
}

export interface BatchesDependencies {
  readonly jobs: Jobs;
  readonly store: JobStore;
  readonly log: Log;
}

/** Jobs that are ended at once: their results share the disk's time, and a slow store still answers others. */
const ENDED_AT_ONCE = 10;
/** How long the answer to a cancellation waits for jobs that nobody runs to end, in milliseconds: most often they have. */
const ANSWER_WITHIN_MS = 1_000;

export function createBatches({ jobs, store, log }: BatchesDependencies): Batches {
  async function viewOf(batch: Batch): Promise<BatchView> {
    const ids = batchJobIds(batch.id, batch.total);
    return toBatchView(batch, ids, await store.standings(ids));
  }

  async function find(id: BatchId): Promise<BatchView | undefined> {
    const batch = await store.batch(id);
    return batch && viewOf(batch);
  }

  async function batch(ownerId: OwnerId, id: BatchId): Promise<Batch> {
    const found = await store.batch(id);
    if (found?.ownerId !== ownerId) throw new RunlaneError('BATCH_NOT_FOUND', `there is no batch ${id}`);
    return found;
  }

  const get = async (ownerId: OwnerId, id: BatchId) => viewOf(await batch(ownerId, id));

  async function endAll(ids: readonly JobId[]): Promise<void> {
    const waiting = [...ids];
    const endNext = async () => {
      for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) await jobs.carryOutCancel(id);
    };
    await Promise.all(Array.from({ length: ENDED_AT_ONCE }, endNext));
  }

  return {
    find,
    batch,
    get,
    async cancel(ownerId, id) {
      const view = await get(ownerId, id);
      const open = view.jobs.filter(({ status }) => !isFinal(status)).map((job) => job.id);
      await store.cancelAll(open);
      const ended = endAll(open).catch((error) =>
        log.warn({ batchId: id, reason: error.message }, 'not all ended; the reconciler will end them'),
      );
      await Promise.race([ended, sleep(ANSWER_WITHIN_MS)]);
      // The wish is recorded: a store that is too busy to be asked again changes nothing about that.
      return get(ownerId, id).catch(() => view);
    },
  };
}

/** @param ids of its jobs. @param standings of them; one that is not among these has just been accepted. */
export function toBatchView(batch: Batch, ids: readonly JobId[], standings: ReadonlyMap<JobId, Standing>): BatchView {
  const jobs = ids.map((id) => ({ id, ...(standings.get(id) ?? { status: 'accepted' as const }) }));
  const counts: Partial<Record<Status, number>> = {};
  for (const { status } of jobs) counts[status] = (counts[status] ?? 0) + 1;
  const finished = jobs.filter(({ status }) => isFinal(status)).length;
  const isOver = finished === batch.total;
  return {
    batch,
    jobs,
    progress: { total: batch.total, finished, counts },
    ...(isOver && { finishedAtMs: Math.max(...jobs.map(({ finishedAtMs = 0 }) => finishedAtMs)) }),
  };
}
