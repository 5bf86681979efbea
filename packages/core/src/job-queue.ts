/**
 * Wakes workers. A queue decides nothing: it may lose, repeat or reorder deliveries, and the reconciler adds what it lost.
 * What every adapter promises is stated as tests in `job-queue.contract.ts`.
 */
import { type Job, type JobId, type OwnerId, STAGES, type Stage } from './job.js';

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
  /** Whose it is: owners take turns. Deliveries without one take turns as if they were one owner's. */
  readonly ownerId?: OwnerId;
  /**
   * 0 (the default) to 1,000. Of one owner, lower numbers are delivered first, nearly always: 1 + priority is what a turn costs
   * (`fair-line.ts`), so that nothing waits for ever.
   */
  readonly priority?: number;
  /** Not delivered before this time, in milliseconds since the epoch. */
  readonly notBeforeAtMs?: number;
}

/** Whose turn a delivery is, its flow, and what it costs: for a line such as `fair-line.ts`. */
export function turnOf({ ownerId = '', priority = 0 }: Pick<AddOptions, 'ownerId' | 'priority'>) {
  return { flow: `${ownerId}|${priority}`, cost: 1 + priority };
}

/** A delivery that ought to be somewhere. */
export interface Expected extends Pick<AddOptions, 'ownerId' | 'priority'> {
  readonly id: JobId;
}

/** Behind those whose clients wait for one answer, where a batch's wait for a thousand. */
export const BATCH_PRIORITY = 100;

type Delivered = Pick<Job, 'ownerId' | 'batchId' | 'priority' | 'notBeforeAtMs'>;

/** Every delivery of a job has the same priority, whoever adds it. */
export function priorityOf({ batchId, priority }: Omit<Delivered, 'ownerId'>): number {
  return priority === 'batch' || batchId !== undefined ? BATCH_PRIORITY : 0;
}

/** How a job's delivery is to be added. A job that is to start later is saved at once, so that what is wrong with it is known. */
export function deliveryOf(job: Delivered, stage: Stage): AddOptions {
  const { ownerId, notBeforeAtMs } = job;
  return { ownerId, priority: priorityOf(job), ...(stage === 'exec' && notBeforeAtMs && { notBeforeAtMs }) };
}

/** Handles one delivery. It throws only for bugs: a job that cannot be handled now is left for the reconciler. */
export type DeliveryHandler = (id: JobId) => Promise<void>;

/** How many deliveries there are that nobody handles yet. */
export interface Depth {
  /** For a worker. */
  readonly waiting: number;
  /** Until their time: what starts later, and what is tried again. */
  readonly putOff: number;
}

export interface JobQueue {
  /**
   * Ask for a delivery. While one for this job and stage waits or is being handled, a second changes nothing.
   * Throws within 1.5 s when the queue's server is away or frozen: ignore it, for the reconciler adds what is missing.
   */
  add(stage: QueuedStage, id: JobId, options?: AddOptions): Promise<void>;
  /** Hand deliveries to `handler`, at most `concurrency` at a time. Once a stage and process. */
  process(stage: QueuedStage, concurrency: number, handler: DeliveryHandler): void;
  /** Take back a delivery that is held back, if there is one: where it stays, it is made when its time comes, and changes nothing. */
  takeBack(stage: QueuedStage, id: JobId): Promise<void>;
  /** Which of these neither wait nor are being handled: they are to be added again. */
  missing(stage: QueuedStage, expected: readonly Expected[]): Promise<Set<JobId>>;
  /** How many runs can be made at once, as a worker sees it: more of one owner need not be brought forward. */
  setSlots(slots: number): Promise<void>;
  depth(stage: QueuedStage): Promise<Depth>;
  /** Of the jobs whose deliveries wait, and not for their time, the one that was accepted first; undefined where none does. */
  oldest(stage: QueuedStage): Promise<JobId | undefined>;
  /** Take no more deliveries here; what is being handled goes on. */
  pause(): Promise<void>;
  /** Resolves when the queue answers. */
  ping(): Promise<void>;
  /** Stop at once. Deliveries that are being handled are made again later, by whoever processes then. */
  close(): Promise<void>;
}
