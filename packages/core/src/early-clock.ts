/**
 * Claims of a worker whose clock is, or was, ahead. By its time a claim holds until long after now: where that worker died, nobody
 * would have the job for as long as its clock was wrong. Such a claim holds only while it is renewed, by our own monotonic clock.
 */
import { LRUCache } from 'lru-cache';
import type { Lease } from './job-state.js';

/** Far more than are claimed at once by one worker with a wrong clock. What is forgotten is only waited for once more. */
const REMEMBERED = 10_000;

export interface EarlyClock {
  /** The lease of this attempt as it would be by a right clock: renewed when we first saw this heartbeat. */
  corrected<L extends Lease>(attemptId: string, lease: L): L;
}

export interface EarlyClockOptions {
  /** The time, in milliseconds since the epoch. */
  readonly now: () => number;
  /** Milliseconds by a clock that nobody sets. */
  readonly monotonicNow: () => number;
}

export function createEarlyClock({ now, monotonicNow }: EarlyClockOptions): EarlyClock {
  const seen = new LRUCache<string, { readonly heartbeatAtMs: number; readonly seenAtMs: number }>({ max: REMEMBERED });
  return {
    corrected(attemptId, lease) {
      const { heartbeatAtMs, leaseMs, ended } = lease;
      // Clocks that differ by less than a lease are nothing to correct: it lasts that much longer.
      if (ended || heartbeatAtMs <= now() + leaseMs) return lease;
      let first = seen.get(attemptId);
      if (first?.heartbeatAtMs !== heartbeatAtMs) {
        first = { heartbeatAtMs, seenAtMs: monotonicNow() };
        seen.set(attemptId, first);
      }
      return { ...lease, heartbeatAtMs: now() - (monotonicNow() - first.seenAtMs) };
    },
  };
}
