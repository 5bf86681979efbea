/** Accept a program: store it, then queue it. Both doors call this. */
import { createHash } from 'node:crypto';
import { type NewJob, RunlaneError } from '@runlane/contract';
import type { Job, JobId, JobQueue, JobStore, JobView, Log, OwnerId } from '@runlane/core';
import type { Languages } from './languages.js';
import { toProgram } from './to-program.js';

export interface SubmitDependencies {
  readonly store: JobStore;
  readonly queue: JobQueue;
  readonly languages: Languages;
  readonly newId: () => JobId;
  readonly maxQueuedJobs: number;
  readonly log: Log;
}

export interface Submission {
  readonly newJob: NewJob;
  readonly ownerId: OwnerId;
  readonly idempotencyKey?: string | undefined;
}

export interface Submitted {
  readonly view: JobView;
  /** The idempotency key had made this job before. */
  readonly replayed: boolean;
}

/** How often jobs in flight are counted, in milliseconds; those accepted in between are added. */
const COUNT_EVERY_MS = 1_000;
/** After this, in milliseconds, a key whose job was never accepted is taken over: its first caller died. */
const TAKE_OVER_AFTER_MS = 10_000;

/**
 * @throws RunlaneError `INVALID_REQUEST` · `QUEUE_FULL` · `RUNNER_UNAVAILABLE` · `STORE_UNAVAILABLE` · `IDEMPOTENCY_MISMATCH` ·
 * `IDEMPOTENCY_IN_FLIGHT`. In all these cases no job was made.
 */
export function createSubmit({ store, queue, languages, newId, maxQueuedJobs, log }: SubmitDependencies) {
  const room = createRoom(store, maxQueuedJobs);

  return async function submit({ newJob, ownerId, idempotencyKey }: Submission): Promise<Submitted> {
    const program = toProgram(newJob, await languages.all());
    await room.check();
    const id = newId();
    const replay = idempotencyKey === undefined ? undefined : await reserve(store, ownerId, idempotencyKey, newJob, id);
    if (replay?.view) return { view: replay.view, replayed: true };

    const job: Job = {
      id: replay?.takeOver ?? id,
      ownerId,
      program,
      ...(newJob.metadata && { metadata: newJob.metadata }),
      createdAtMs: Date.now(),
    };
    // Store before queueing: a lost queue is rebuilt from the store, a lost job from nothing.
    await store.insert(job);
    room.took();
    // Not waited for: the job is safe, and where the queue is away the reconciler adds it later.
    queue
      .add('save', job.id)
      .catch((error) => log.warn({ jobId: job.id, reason: error.message }, 'not queued; the reconciler will'));
    return { view: { job, status: 'accepted', attempt: 0 }, replayed: false };
  };
}

/** Take the key, or find what it was taken for. */
async function reserve(store: JobStore, ownerId: OwnerId, key: string, newJob: NewJob, id: JobId) {
  const bodyDigest = createHash('sha256').update(JSON.stringify(newJob)).digest('hex');
  const claim = await store.reserve(ownerId, key, { jobId: id, bodyDigest, createdAtMs: Date.now() });
  if (claim.jobId === id) return undefined;
  if (claim.bodyDigest !== bodyDigest) {
    throw new RunlaneError(
      'IDEMPOTENCY_MISMATCH',
      'this Idempotency-Key was used with another request; use a new key for a new request',
    );
  }
  const view = await store.get(claim.jobId);
  if (view) return { view };
  if (Date.now() - claim.createdAtMs > TAKE_OVER_AFTER_MS) return { takeOver: claim.jobId };
  throw new RunlaneError(
    'IDEMPOTENCY_IN_FLIGHT',
    'the first request with this Idempotency-Key is still being accepted; try again',
  );
}

/** Whether there is room for another job, from a count that is at most a second old. */
function createRoom(store: JobStore, maxQueuedJobs: number) {
  let count = 0;
  let countedAtMs = Number.NEGATIVE_INFINITY;
  return {
    async check(): Promise<void> {
      if (performance.now() - countedAtMs > COUNT_EVERY_MS) {
        countedAtMs = performance.now();
        count = await store.inFlightCount();
      }
      if (count >= maxQueuedJobs) {
        throw new RunlaneError('QUEUE_FULL', `${maxQueuedJobs} jobs are waiting already; try again later`, {
          retryAfterSeconds: 5,
        });
      }
    },
    took: () => {
      count += 1;
    },
  };
}
