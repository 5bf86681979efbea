/** Accept a program: store it, then queue it. Both doors call this. */
import { RunlaneError } from '@runlane/contract';
import {
  digestOf,
  type IdempotencyClaim,
  type Job,
  type JobId,
  type JobQueue,
  type JobStore,
  type JobView,
  type Log,
  type OwnerId,
  tellMoment,
} from '@runlane/core';
import type { Languages } from './languages.js';
import { readNewJob, toProgram } from './to-program.js';

export interface SubmitDependencies {
  readonly store: JobStore;
  readonly queue: JobQueue;
  readonly languages: Languages;
  readonly newId: () => JobId;
  readonly maxQueuedJobs: number;
  readonly log: Log;
}

export interface Submission {
  /** What the client sent, as JSON has it; nothing about it is checked yet. */
  readonly body: unknown;
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
 * `IDEMPOTENCY_IN_FLIGHT`. In all these cases but `STORE_UNAVAILABLE` no job was made; with that one it may have been, and a
 * key tells.
 */
export function createSubmit({ store, queue, languages, newId, maxQueuedJobs, log }: SubmitDependencies) {
  const room = createRoom(store, maxQueuedJobs);

  return async function submit({ body, ownerId, idempotencyKey: key }: Submission): Promise<Submitted> {
    const receivedAtMs = performance.now();
    const known = await languages.all();
    const newJob = readNewJob(body, known);
    const bodyDigest = key === undefined ? '' : digestOf(Buffer.from(JSON.stringify(newJob)));
    // A key that made a job gives that job, whatever has become of languages and room since.
    const earlier = key === undefined ? undefined : await store.reservation(ownerId, key);
    const replayed = earlier && (await replay(store, earlier, bodyDigest));
    if (replayed) return { view: replayed, replayed: true };

    const program = toProgram(newJob, known);
    await room.check();
    const id = earlier?.jobId ?? newId();
    if (key !== undefined && !earlier) {
      const claim = await store.reserve(ownerId, key, { jobId: id, bodyDigest, createdAtMs: Date.now() });
      const other = claim.jobId === id ? undefined : await replay(store, claim, bodyDigest);
      if (other) return { view: other, replayed: true };
    }

    const job: Job = {
      id,
      ownerId,
      program,
      ...(newJob.metadata && { metadata: newJob.metadata }),
      createdAtMs: Date.now(),
    };
    tellMoment(id, 'received', receivedAtMs);
    // Not waited for: where the queue is away, the reconciler adds the job later.
    const enqueue = () => {
      tellMoment(id, 'visible');
      queue
        .add('save', id)
        .catch((error) => log.warn({ jobId: id, reason: error.message }, 'not queued; the reconciler will'));
    };
    // Store before queueing: a lost queue is rebuilt from the store, a lost job from nothing. The work may begin while the
    // disk is still busy with the job; the client is told when it is safe.
    await store.insert(job, enqueue);
    room.took();
    return { view: { job, status: 'accepted', attempt: 0 }, replayed: false };
  };
}

/**
 * The job that a key was taken for; undefined when its first caller died before the job was accepted, so that this one may
 * take the key over. @throws RunlaneError `IDEMPOTENCY_MISMATCH` · `IDEMPOTENCY_IN_FLIGHT`
 */
async function replay(store: JobStore, claim: IdempotencyClaim, bodyDigest: string): Promise<JobView | undefined> {
  if (claim.bodyDigest !== bodyDigest) {
    throw new RunlaneError(
      'IDEMPOTENCY_MISMATCH',
      'this Idempotency-Key was used with another request; use a new key for a new request',
    );
  }
  const view = await store.get(claim.jobId);
  if (view || Date.now() - claim.createdAtMs > TAKE_OVER_AFTER_MS) return view;
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
