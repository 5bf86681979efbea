/** The life of a job as one table, and how its status follows from the facts. */
import type { Attempt } from './facts.js';
import { FINAL_STATUSES, type FinalStatus, type Status } from './job.js';

/**
 * What may come after what. Steps back happen only when a lease ends without a result: the worker died or handed the
 * job back, and it waits for the next one. A job can end from anywhere, by being cancelled or by running out of attempts.
 */
// biome-ignore format: a table
export const TRANSITIONS: Readonly<Record<Exclude<Status, FinalStatus>, readonly Status[]>> = {
  accepted: ['saving', 'queued', 'running', ...FINAL_STATUSES],
  saving:   ['accepted', 'queued', 'running', ...FINAL_STATUSES],
  queued:   ['running', ...FINAL_STATUSES],
  running:  ['queued', ...FINAL_STATUSES],
};

export function isFinal(status: Status): status is FinalStatus {
  return (FINAL_STATUSES as readonly Status[]).includes(status);
}

/** What of an attempt decides. */
export type Lease = Pick<Attempt, 'heartbeatAtMs' | 'leaseMs' | 'ended'>;

/** The facts that decide the status of a job that has no result; a result decides it alone. */
export interface DecidingFacts {
  readonly saved: boolean;
  /** The newest attempt at each stage. */
  readonly saveAttempt?: Lease | undefined;
  readonly execAttempt?: Lease | undefined;
}

/** Whether whoever made this attempt may still be working on it. */
export function isLive(attempt: Lease, nowMs: number): boolean {
  return !attempt.ended && nowMs < attempt.heartbeatAtMs + attempt.leaseMs;
}

/** An execution with a live lease runs; else what is saved is queued; else a live save is saving. */
export function deriveStatus(
  { saved, saveAttempt, execAttempt }: DecidingFacts,
  nowMs: number,
): Exclude<Status, FinalStatus> {
  if (execAttempt && isLive(execAttempt, nowMs)) return 'running';
  if (saved) return 'queued';
  return saveAttempt && isLive(saveAttempt, nowMs) ? 'saving' : 'accepted';
}
