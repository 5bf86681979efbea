/** What a worker tells of a job's way in its trace. */
import {
  type Job,
  type NumberedAttempt,
  QUEUE_NAMES,
  type QueuedStage,
  type Span,
  type Stage,
  tellSpan,
} from '@runlane/core';

/** An attempt that has begun, and is to be claimed. Times are in milliseconds since the epoch. */
export interface Beginning {
  readonly span: Span;
  readonly begunAtMs: number;
  /** Since when the job could have been worked on, had nobody done so before; undefined: nobody knows. */
  readonly readyAtMs: number | undefined;
}

/** What spans of a job's attempts are called. */
export const ATTEMPT_SPANS: Readonly<Record<Stage, string>> = { save: 'save', exec: 'execute' };

/** A job waited for a stage: in its queue, or for a slot. */
export function tellWait(job: Job, stage: QueuedStage, fromMs: number, untilMs: number): void {
  const attributes = { 'runlane.job.id': job.id };
  tellSpan(`wait ${QUEUE_NAMES[stage]}`, job.trace, { startedAtMs: fromMs, endedAtMs: untilMs, attributes });
}

/**
 * Tell of an attempt in the place of the worker that was lost with it, up to its last sign of life: what it had begun elsewhere is
 * below it. One that lives, and only came too late with its heartbeats, tells of it as well.
 */
export function tellLost(job: Job, stage: Stage, { trace, number, startedAtMs, heartbeatAtMs }: NumberedAttempt): void {
  if (trace === undefined) return;
  tellSpan(ATTEMPT_SPANS[stage], job.trace, {
    kind: 'consumer',
    place: trace,
    startedAtMs,
    endedAtMs: heartbeatAtMs,
    failure: 'worker_lost',
    attributes: { 'runlane.job.id': job.id, 'runlane.attempt': number },
  });
}
