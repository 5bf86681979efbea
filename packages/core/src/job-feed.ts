/**
 * What happens in a job while it happens: output and status on the way out; wishes, and the input of somebody attached, on the
 * way in.
 * A feed may be lost at any time; what counts is in the store. What every adapter promises: `job-feed.contract.ts`.
 */
import type { JobId, Status, TerminalSize } from './job.js';
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

/** What whoever runs a job is told: a client wishes it to end; or somebody is still attached to it. */
export interface Wish {
  readonly type: 'cancel' | 'attached';
}

/** What somebody attached gives an interactive program. */
export type JobInput =
  | { readonly type: 'stdin'; readonly data: Uint8Array }
  | { readonly type: 'close_stdin' }
  | { readonly type: 'signal'; readonly name: 'SIGINT' | 'SIGTERM' | 'SIGKILL' }
  | ({ readonly type: 'resize' } & TerminalSize);

/** Bytes of input that may wait for a program to read them; then whoever gives more waits. */
export const MAX_WAITING_INPUT_BYTES = 1024 * 1024;

/** About what an input takes besides its bytes: many empty ones have their price, too. */
const INPUT_BYTES = 100;

export function inputBytes(input: JobInput): number {
  return INPUT_BYTES + (input.type === 'stdin' ? input.data.length : 0);
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
  /** Tell whoever runs the job; lost when nobody listens. Throws soon when the feed's server is away. */
  wish(id: JobId, wish: Wish): Promise<void>;
  /** Hear wishes about a job from now on; call the result to stop. */
  onWish(id: JobId, hear: (wish: Wish) => void): () => void;
  /**
   * Append input, which is kept until it is read; `sequence` counts it from 1, and what has come before is not added again. While
   * `MAX_WAITING_INPUT_BYTES` wait to be read, it waits until some are. Only one may append to a job, one after the other.
   * Throws soon when the feed's server is away, and when the signal aborts: then the input may have been added or not.
   */
  appendInput(id: JobId, sequence: number, input: JobInput, signal: AbortSignal): Promise<void>;
  /**
   * Input in order, each once, those that wait and then new ones as they come, until `signal` aborts; then it ends. What was
   * taken makes room as soon as the next is asked for. Only one may read.
   */
  readInput(id: JobId, signal: AbortSignal): AsyncIterable<JobInput>;
  /** Forget what was not read, where nobody will read or append any more. Never throws. */
  dropInput(id: JobId): Promise<void>;
  close(): Promise<void>;
}

/** Order of two event ids: negative when `a` is earlier. */
export function compareEventIds(a: EventId, b: EventId): number {
  const [attemptA = 0, sequenceA = 0] = a.split('-').map(Number);
  const [attemptB = 0, sequenceB = 0] = b.split('-').map(Number);
  return attemptA - attemptB || sequenceA - sequenceB;
}
