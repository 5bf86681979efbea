/** Accept many programs as one: all of them are stored before anybody is told, then queued. Both doors call this. */
import type { NewJob } from '@runlane/contract';
import {
  type Batch,
  type BatchId,
  batchJobIds,
  deliveryOf,
  digestOf,
  inSpan,
  type Job,
  type JobId,
  type JobQueue,
  type JobStore,
  type Log,
  type Span,
} from '@runlane/core';
import type { Allowance } from './auth/allowance.js';
import type { Caller } from './auth/caller.js';
import { type Batches, type BatchView, toBatchView } from './batches.js';
import { openKey } from './idempotency.js';
import type { Languages } from './languages.js';
import type { Metrics } from './metrics.js';
import { readNewBatch, toPrograms } from './new-batch.js';
import type { Room } from './room.js';
import { type TermProblems, termProblemsFor } from './term-problems.js';
import { toTerms } from './to-terms.js';

export interface SubmitBatchDependencies {
  readonly store: JobStore;
  readonly queue: JobQueue;
  readonly batches: Batches;
  readonly languages: Languages;
  readonly termProblems: TermProblems;
  readonly newId: () => BatchId;
  readonly room: Room;
  readonly allowance: Allowance;
  readonly metrics: Pick<Metrics, 'accepted'>;
  readonly log: Log;
}

export interface BatchSubmission {
  /** What the client sent, as JSON has it; nothing about it is checked yet. */
  readonly body: unknown;
  readonly caller: Caller;
  readonly idempotencyKey?: string | undefined;
}

export interface SubmittedBatch {
  readonly view: BatchView;
  /** The idempotency key had made this batch before. */
  readonly replayed: boolean;
}

/** Deliveries that are asked for at once: a queue's server must answer each call in time. */
const QUEUED_AT_ONCE = 100;

/**
 * @throws RunlaneError `INVALID_REQUEST` · `QUEUE_FULL` · `RUNNER_UNAVAILABLE` · `STORE_UNAVAILABLE` · `IDEMPOTENCY_MISMATCH` ·
 * `IDEMPOTENCY_IN_FLIGHT` · `JOB_LIMIT_REACHED` · `QUOTA_EXCEEDED`. In all these cases but `STORE_UNAVAILABLE` no job was
 * made; with that one some may have been, which run all the same, and a retry with the same key adds the others.
 */
export function createSubmitBatch(dependencies: SubmitBatchDependencies) {
  const { store, queue, batches, languages, termProblems, newId, room, allowance, metrics, log } = dependencies;

  return async function submitBatch(submission: BatchSubmission, span: Span): Promise<SubmittedBatch> {
    const { body, caller, idempotencyKey: key } = submission;
    const { ownerId } = caller;
    const known = await languages.all();
    const against = termProblemsFor(caller, termProblems);
    const { jobs: asked, metadata } = await readNewBatch(body, known, room.size, against);
    const bodyDigest = key === undefined ? '' : digestOf(Buffer.from(JSON.stringify({ jobs: asked, metadata })));
    const keyed = await openKey(store, { ownerId, key, bodyDigest, newId, find: batches.find });
    if (keyed.made) return { view: keyed.made, replayed: true };
    const programs = await toPrograms(asked, known);
    const taken = await allowance.takeJobs(caller, programs.length);
    try {
      await room.take(programs.length);
      const reserved = await keyed.reserve();
      if (reserved.made) return { view: reserved.made, replayed: true };
      return await accept(reserved.id);
    } finally {
      taken();
    }

    async function accept(id: BatchId): Promise<SubmittedBatch> {
      const createdAtMs = Date.now();
      const total = programs.length;
      const batch: Batch = { id, ownerId, total, ...(metadata && { metadata }), createdAtMs };
      const ids = batchJobIds(id, total);
      const jobs = programs.map(
        (program, index): Job => ({
          id: ids[index] as JobId,
          ownerId,
          batchId: id,
          program,
          ...toTerms(asked[index] as NewJob),
          ...(span.place && { trace: span.place }),
          createdAtMs,
        }),
      );
      span.tell({ 'runlane.batch.id': id, 'runlane.jobs': total });
      // The key names the batch, and the batch's id its jobs: whatever this is cut off by, the same request finds what there
      // is and adds the rest. Without a key nobody knows the ids, and the jobs that there are end all the same.
      await inSpan('accept', span.place, () => store.insertBatch(batch, jobs));
      for (const { language } of programs) metrics.accepted(language);
      enqueue(id, jobs).catch((error) =>
        log.warn({ batchId: id, reason: error.message }, 'not queued; the reconciler will'),
      );
      return { view: toBatchView(batch, ids, new Map()), replayed: false };
    }
  };

  async function enqueue(id: BatchId, jobs: readonly Job[]): Promise<void> {
    for (let at = 0; at < jobs.length; at += QUEUED_AT_ONCE) {
      const some = jobs.slice(at, at + QUEUED_AT_ONCE);
      await Promise.all(some.map((job) => queue.add('save', job.id, deliveryOf(job, 'save'))));
    }
    log.debug({ batchId: id, jobs: jobs.length }, 'a batch is queued');
  }
}
