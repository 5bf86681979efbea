/** Accept a program: store it, then queue it. Both doors call this. */
import {
  deliveryOf,
  digestOf,
  inSpan,
  type Job,
  type JobId,
  type JobQueue,
  type JobStore,
  type JobView,
  type Log,
  rememberTrace,
  type Span,
  tellMoment,
} from '@runlane/core';
import type { Allowance } from './auth/allowance.js';
import type { Caller } from './auth/caller.js';
import { openKey } from './idempotency.js';
import type { Languages } from './languages.js';
import type { Metrics } from './metrics.js';
import type { Room } from './room.js';
import { type TermProblems, termProblemsFor } from './term-problems.js';
import { readNewJob, toProgram } from './to-program.js';
import { toTerms } from './to-terms.js';

export interface SubmitDependencies {
  readonly store: JobStore;
  readonly queue: JobQueue;
  readonly languages: Languages;
  readonly termProblems: TermProblems;
  readonly newId: () => JobId;
  readonly room: Room;
  readonly allowance: Allowance;
  readonly metrics: Pick<Metrics, 'accepted'>;
  readonly log: Log;
}

export interface Submission {
  /** What the client sent, as JSON has it; nothing about it is checked yet. */
  readonly body: unknown;
  readonly caller: Caller;
  readonly idempotencyKey?: string | undefined;
}

export interface Submitted {
  readonly view: JobView;
  /** The idempotency key had made this job before. */
  readonly replayed: boolean;
}

/**
 * @throws RunlaneError `INVALID_REQUEST` · `QUEUE_FULL` · `RUNNER_UNAVAILABLE` · `STORE_UNAVAILABLE` · `IDEMPOTENCY_MISMATCH` ·
 * `IDEMPOTENCY_IN_FLIGHT` · `JOB_LIMIT_REACHED` · `QUOTA_EXCEEDED`. In all these cases but `STORE_UNAVAILABLE` no job was
 * made; with that one it may have been, and a key tells.
 */
export function createSubmit(dependencies: SubmitDependencies) {
  const { store, queue, languages, termProblems, newId, room, allowance, metrics, log } = dependencies;

  return async function submit({ body, caller, idempotencyKey: key }: Submission, span: Span): Promise<Submitted> {
    const { ownerId } = caller;
    const receivedAtMs = performance.now();
    const known = await languages.all();
    const newJob = readNewJob(body, known, termProblemsFor(caller, termProblems));
    const bodyDigest = key === undefined ? '' : digestOf(Buffer.from(JSON.stringify(newJob)));
    const keyed = await openKey(store, { ownerId, key, bodyDigest, newId, find: store.get });
    // A key that made a job gives that job, whatever has become of languages and room since.
    if (keyed.made) return { view: keyed.made, replayed: true };
    const program = toProgram(newJob, known);
    const taken = await allowance.takeJobs(caller, 1);
    try {
      await room.take(1);
      const reserved = await keyed.reserve();
      if (reserved.made) return { view: reserved.made, replayed: true };
      return await accept(reserved.id);
    } finally {
      taken();
    }

    async function accept(id: JobId): Promise<Submitted> {
      const job: Job = {
        id,
        ownerId,
        program,
        ...toTerms(newJob),
        ...(span.place && { trace: span.place }),
        createdAtMs: Date.now(),
      };
      span.tell({ 'runlane.job.id': id, 'runlane.language': program.language });
      rememberTrace(job);
      tellMoment(id, 'received', receivedAtMs);
      // Not waited for: where the queue is away, the reconciler adds the job later.
      const enqueue = () => {
        tellMoment(id, 'visible');
        queue
          .add('save', id, deliveryOf(job, 'save'))
          .catch((error) => log.warn({ jobId: id, reason: error.message }, 'not queued; the reconciler will'));
      };
      // Store before queueing: a lost queue is rebuilt from the store, a lost job from nothing. The work may begin while the
      // disk is still busy with the job; the client is told when it is safe.
      await inSpan('accept', span.place, () => store.insert(job, enqueue));
      metrics.accepted(program.language);
      return { view: { job, status: 'accepted', attempt: 0 }, replayed: false };
    }
  };
}
