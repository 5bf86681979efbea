/**
 * Follow a job to its result. The feed brings events as they happen; the store is asked now and then, so that a watcher
 * of a lost feed still gets the result: late, but right.
 */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventId, FeedEvent, JobFeed, JobId, JobStore, JobView, JudgedCase, OwnerId, Status } from '@runlane/core';
import { compareEventIds, isOver, toJudgedCase } from '@runlane/core';
import type { Jobs } from './jobs.js';

export type WatchEvent =
  | { readonly type: 'status'; readonly id?: EventId; readonly status: Status }
  | { readonly type: 'stdout' | 'stderr'; readonly id?: EventId; readonly data: Uint8Array }
  /** In test mode, a case was judged. */
  | { readonly type: 'case'; readonly id?: EventId; readonly case: JudgedCase }
  /** Events are missing; the result holds the whole output. */
  | { readonly type: 'gap'; readonly id?: EventId }
  | { readonly type: 'result'; readonly id: EventId; readonly view: JobView };

/** How often the store is asked while nothing comes from the feed, in milliseconds. */
const ASK_EVERY_MS = 1_000;
/** The sequence of the last event, the result: after it there is nothing. */
const RESULT_SEQUENCE = 999_999_999_999_999;

const resultId = (view: JobView): EventId => `${view.attempt}-${RESULT_SEQUENCE}`;

export interface WatchDependencies {
  readonly jobs: Jobs;
  readonly store: JobStore;
  readonly feed: JobFeed;
}

export type Watch = ReturnType<typeof createWatch>;

export function createWatch({ jobs, store, feed }: WatchDependencies) {
  /**
   * Events after `after`, or all, up to the result; nothing at all when `after` was the result. It ends early when the signal aborts.
   * @throws RunlaneError `JOB_NOT_FOUND`
   */
  async function* watch(
    ownerId: OwnerId,
    id: JobId,
    after: EventId | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent> {
    const view = await jobs.get(ownerId, id);
    const inFeed = after !== undefined && (await feed.has(id, after).catch(() => false));
    if (isOver(view) && after === resultId(view)) return;
    if (isOver(view) && !inFeed) yield* replay(view, after);
    else yield* follow(id, view, after, inFeed, signal);
  }

  async function* follow(
    id: JobId,
    view: JobView,
    after: EventId | undefined,
    inFeed: boolean,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent> {
    // The feed tells everything from there on; before it begins, this shows that the watch works.
    if (after === undefined && view.status === 'accepted') yield { type: 'status', status: view.status };
    else if (after !== undefined && !inFeed) yield { type: 'gap' };
    const left = follower(signal);
    const events = feed.read(id, after, left.signal)[Symbol.asyncIterator]();
    const take = () => events.next().catch((): IteratorResult<FeedEvent> => ({ done: true, value: undefined }));
    let next = take();
    let last = after;
    let askedOver = false;
    try {
      while (!signal.aborted) {
        const arrived = await orNothing(next, ASK_EVERY_MS);
        if (signal.aborted) return;
        if (arrived === 'nothing' || arrived.done) {
          // A store that is away for a moment ends nobody's watch.
          const over = await store.isFinished(id).catch(() => false);
          // The event may be on its way: only the second time is it missing.
          if (over && (askedOver || arrived !== 'nothing')) {
            yield { type: 'gap' };
            yield* resultOf(id, left.signal);
            return;
          }
          askedOver = over;
          // The feed failed: go on with what it has after the last event, a little later.
          if (arrived !== 'nothing') {
            await sleep(ASK_EVERY_MS, undefined, { signal: left.signal }).catch(() => undefined);
            return yield* follow(id, view, last ?? '0-0', true, signal);
          }
          continue;
        }
        const event = arrived.value;
        if (isHole(last, event.id)) yield { type: 'gap' };
        last = event.id;
        if (event.type === 'end') {
          yield* resultOf(id, left.signal);
          return;
        }
        yield event;
        next = take();
      }
    } finally {
      left.abort();
    }
  }

  /** The result that an `end` announced, however long the store takes to give it. */
  async function* resultOf(id: JobId, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    while (!signal.aborted) {
      const ended = await store.get(id).catch(() => undefined);
      if (ended && isOver(ended)) return yield { type: 'result', id: resultId(ended), view: ended };
      await sleep(ASK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** The job when it has ended, or as it is after `timeoutMs` milliseconds. Of its events only the end matters here. */
  async function wait(ownerId: OwnerId, id: JobId, timeoutMs: number, signal: AbortSignal): Promise<JobView> {
    const enough = follower(signal);
    const timer = setTimeout(enough.abort, timeoutMs);
    // A feed that is away, or has lost the end, must not keep anybody waiting.
    const asking = setInterval(async () => {
      if (await store.isFinished(id).catch(() => false)) enough.abort();
    }, ASK_EVERY_MS);
    try {
      await hasEnded(id, enough.signal);
    } finally {
      clearTimeout(timer);
      clearInterval(asking);
      enough.abort();
    }
    return jobs.get(ownerId, id);
  }

  async function hasEnded(id: JobId, signal: AbortSignal): Promise<void> {
    try {
      for await (const { type } of feed.read(id, undefined, signal)) if (type === 'end') return;
    } catch {
      if (!signal.aborted) await once(signal, 'abort');
    }
  }

  return { watch, wait };
}

/** A signal that aborts with another, or when told to: what AbortSignal.any does, at a fraction of its cost. */
export function follower(signal: AbortSignal): { readonly signal: AbortSignal; abort(): void } {
  const controller = new AbortController();
  const abort = () => {
    signal.removeEventListener('abort', abort);
    // With a reason, as without one an error with a stack is made each time.
    controller.abort('no longer wanted');
  };
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort);
  return { signal: controller.signal, abort };
}

/** What the promise brings, or `nothing` after some milliseconds. */
async function orNothing<T>(promise: Promise<T>, withinMs: number): Promise<T | 'nothing'> {
  let timer: NodeJS.Timeout | undefined;
  const nothing = new Promise<'nothing'>((resolve) => {
    timer = setTimeout(resolve, withinMs, 'nothing');
  });
  try {
    return await Promise.race([promise, nothing]);
  } finally {
    clearTimeout(timer);
  }
}

/** What there is to tell of a job that has ended, from its result. */
function* replay(view: JobView, after: EventId | undefined): Generator<WatchEvent> {
  const { result, status } = view;
  if (after !== undefined) yield { type: 'gap' };
  else {
    yield { type: 'status', status };
    if (result && result.stdout.length > 0) yield { type: 'stdout', data: result.stdout };
    if (result && result.stderr.length > 0) yield { type: 'stderr', data: result.stderr };
    for (const judged of result?.cases ?? []) yield { type: 'case', case: toJudgedCase(judged) };
  }
  yield { type: 'result', id: resultId(view), view };
}

/** Whether an event was lost between these two: within an attempt, numbers have no gaps. */
function isHole(last: EventId | undefined, next: EventId): boolean {
  const [attempt, sequence] = next.split('-').map(Number);
  const [lastAttempt, lastSequence = 0] = (last ?? '0-0').split('-').map(Number);
  if (attempt !== lastAttempt) return sequence !== 1;
  return sequence !== lastSequence + 1 && compareEventIds(next, last ?? '0-0') > 0;
}
