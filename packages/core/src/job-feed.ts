/**
 * What happens in a job while it happens: output and status on the way out, wishes (cancel) on the way in.
 * A feed may be lost at any time; what counts is in the store. What every adapter promises: `job-feed.contract.ts`.
 */
import type { JobId, Status } from './job.js';
import type { JudgedCase } from './judging.js';

/** "<attempt>-<sequence>", both decimal, not both 0. Later events have greater ids: by attempt, then by sequence. */
export type EventId = string;

export type FeedEvent =
  | { readonly id: EventId; readonly type: 'status'; readonly status: Status }
  | { readonly id: EventId; readonly type: 'stdout' | 'stderr'; readonly data: Uint8Array }
  /** In test mode, a case was judged. */
  | { readonly id: EventId; readonly type: 'case'; readonly case: JudgedCase }
  /** The result is in the store; the last event. */
  | { readonly id: EventId; readonly type: 'end' };

/** A wish of a client about a job that runs. */
export interface Wish {
  readonly type: 'cancel';
}

export interface JobFeed {
  /**
   * Append an event; false when its id is not greater than the last one's: a late event of an attempt that is over.
   * Throws soon (0.5 s, then at once for a while) when the feed's server is away: a run goes on without its feed.
   */
  append(id: JobId, event: FeedEvent): Promise<boolean>;
  /**
   * Events after `after` (all of them when it is absent), then new ones as they come, up to and with `end`.
   * It waits for as long as `signal` lets it: for a job that does not end, or whose feed was lost, no `end` comes.
   * Leaving it (break, abort) frees what it holds; after an abort it throws an `AbortError`.
   */
  read(id: JobId, after: EventId | undefined, signal: AbortSignal): AsyncIterable<FeedEvent>;
  /** Whether the event is (still) in the feed: if not, somebody who goes on after it would miss some. */
  has(id: JobId, eventId: EventId): Promise<boolean>;
  /** Tell whoever runs the job; never throws. Lost when nobody listens: the wish itself is in the store. */
  wish(id: JobId, wish: Wish): Promise<void>;
  /** Hear wishes about a job from now on; call the result to stop. */
  onWish(id: JobId, hear: (wish: Wish) => void): () => void;
  close(): Promise<void>;
}

/** Order of two event ids: negative when `a` is earlier. */
export function compareEventIds(a: EventId, b: EventId): number {
  const [attemptA = 0, sequenceA = 0] = a.split('-').map(Number);
  const [attemptB = 0, sequenceB = 0] = b.split('-').map(Number);
  return attemptA - attemptB || sequenceA - sequenceB;
}
