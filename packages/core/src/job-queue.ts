/**
 * Wakes workers. A queue decides nothing: it may lose, repeat or reorder deliveries, and the reconciler adds what it lost.
 * What every adapter promises is stated as tests in `job-queue.contract.ts`.
 */
import { type Job, type JobId, STAGES } from './job.js';

/** What has a queue: the two stages of a job, and telling its end to its callback. */
export const QUEUED_STAGES = [...STAGES, 'callback'] as const;

export type QueuedStage = (typeof QUEUED_STAGES)[number];

/** The name of each stage's queue, as the board and Redis show it. */
export const QUEUE_NAMES: Readonly<Record<QueuedStage, string>> = {
  save: 'code-save',
  exec: 'code-exec',
  callback: 'code-callback',
};

export interface AddOptions {
  /** Lower numbers are delivered first; 0 (the default) to 1,000. */
  readonly priority?: number;
  /** Not delivered before this time, in milliseconds since the epoch. */
  readonly notBeforeAtMs?: number;
}

/** Behind jobs submitted by themselves: their clients wait for one answer, those of a batch for a thousand. */
export const BATCH_PRIORITY = 100;

/** Every delivery of a job has the same priority, whoever adds it. */
export function priorityOf({ batchId }: Pick<Job, 'batchId'>): number {
  return batchId === undefined ? 0 : BATCH_PRIORITY;
}

/** Handles one delivery. It throws only for bugs: a job that cannot be handled now is left for the reconciler. */
export type DeliveryHandler = (id: JobId) => Promise<void>;

export interface JobQueue {
  /**
   * Ask for a delivery. While one for this job and stage waits or is being handled, a second changes nothing.
   * Throws within 1.5 s when the queue's server is away or frozen: ignore it, for the reconciler adds what is missing.
   */
  add(stage: QueuedStage, id: JobId, options?: AddOptions): Promise<void>;
  /** Hand deliveries to `handler`, at most `concurrency` at a time. Once a stage and process. */
  process(stage: QueuedStage, concurrency: number, handler: DeliveryHandler): void;
  /** How many deliveries wait. */
  depth(stage: QueuedStage): Promise<number>;
  /** Take no more deliveries here; what is being handled goes on. */
  pause(): Promise<void>;
  /** Resolves when the queue answers. */
  ping(): Promise<void>;
  /** Stop at once. Deliveries that are being handled are made again later, by whoever processes then. */
  close(): Promise<void>;
}
