/** When a callback that did not take its message is called again. */

/** With 5 s at first, ten pauses are about a day: 5 s, 20 s, 1 min, 5 min, 21 min, 1.4 h, 5.7 h, then 6 h each. */
const FACTOR = 4;
const LONGEST_PAUSE_MS = 6 * 3_600_000;

export interface PauseTerms {
  /** Of the call that failed, from 1. */
  readonly number: number;
  readonly firstPauseMs: number;
  /** What the receiver asked for, in milliseconds. */
  readonly retryAfterMs?: number;
  /** From 0 to 1. */
  readonly random?: () => number;
}

/** In milliseconds. Many that failed together do not come back together. A receiver may have it later, within bounds, and not sooner. */
export function pauseAfter({ number, firstPauseMs, retryAfterMs = 0, random = Math.random }: PauseTerms): number {
  const pauseMs = Math.min(firstPauseMs * FACTOR ** (number - 1), LONGEST_PAUSE_MS);
  return Math.max(pauseMs * (0.75 + random() / 2), Math.min(retryAfterMs, LONGEST_PAUSE_MS));
}

/** `Retry-After`, in milliseconds from now: seconds or a date (RFC 9110, section 10.2.3); undefined where it is neither. */
export function readRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1_000;
  // `Date.parse` takes nearly anything for a date.
  const atMs = /^[A-Z][a-z]{2}, .* GMT$/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}
