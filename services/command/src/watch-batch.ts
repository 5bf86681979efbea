/**
 * Follow a batch until all of its jobs have ended. The store is asked now and then for those that have not, in a few
 * readings for all of them, and by all who watch the same batch together: a thousand jobs need no thousand feeds.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Batch, BatchId, FinalStatus, JobId, JobStore, OwnerId, Standing } from '@runlane/core';
import { batchJobIds, isFinal } from '@runlane/core';
import { type Batches, type BatchProgress, type BatchView, toBatchView } from './batches.js';

export type BatchEvent =
  | { readonly type: 'job'; readonly index: number; readonly id: JobId; readonly status: FinalStatus }
  | { readonly type: 'progress'; readonly progress: BatchProgress }
  /** All have ended; the last event. */
  | { readonly type: 'done'; readonly view: BatchView };

/** How often the store is asked at most, in milliseconds. */
const LOOK_EVERY_MS = 250;
/** And how seldom at least, of a batch that takes long to look at. */
const LOOK_AT_LEAST_EVERY_MS = 5_000;
/** Of the time, looking takes at most one part in so many. */
const PAUSE_PER_LOOK = 20;

export interface WatchBatchDependencies {
  readonly batches: Batches;
  readonly store: JobStore;
}

/** What those who watch a batch at the same time have in common. */
interface Outlook {
  watchers: number;
  /** The batch as it is, at most `pauseMs` ago. */
  look(): Promise<BatchView>;
  /** How long to wait between looks, in milliseconds. */
  pauseMs(): number;
}

export function createWatchBatch({ batches, store }: WatchBatchDependencies) {
  const outlooks = new Map<BatchId, Outlook>();

  /**
   * Events from the beginning: the jobs that have ended already come first. It ends early when the signal aborts.
   * @throws RunlaneError `BATCH_NOT_FOUND`
   */
  return async function* watchBatch(ownerId: OwnerId, id: BatchId, signal: AbortSignal): AsyncGenerator<BatchEvent> {
    const batch = await batches.batch(ownerId, id);
    const outlook = outlooks.get(id) ?? createOutlook(batch, store);
    outlooks.set(id, outlook);
    outlook.watchers += 1;
    const told = new Set<JobId>();
    let last = '';
    try {
      while (!signal.aborted) {
        // A store that is away for a moment ends nobody's watch.
        const view = await outlook.look().catch(() => undefined);
        if (view) {
          for (const event of newEnds(view, told)) yield event;
          const { progress } = view;
          const now = JSON.stringify(progress);
          if (now !== last) yield { type: 'progress', progress };
          last = now;
          if (view.finishedAtMs !== undefined) return yield { type: 'done', view };
        }
        await sleep(outlook.pauseMs(), undefined, { signal }).catch(() => undefined);
      }
    } finally {
      outlook.watchers -= 1;
      if (outlook.watchers === 0) outlooks.delete(id);
    }
  };
}

function createOutlook(batch: Batch, store: JobStore): Outlook {
  const ids = batchJobIds(batch.id, batch.total);
  /** Those that have ended stay as they are, and are not asked for again. */
  const ended = new Map<JobId, Standing>();
  let pauseMs = LOOK_EVERY_MS;
  let asked: { readonly view: Promise<BatchView>; answeredAtMs: number } | undefined;

  async function read(): Promise<BatchView> {
    const startMs = performance.now();
    const standings = await store.standings(ids.filter((id) => !ended.has(id)));
    for (const [id, standing] of standings) if (isFinal(standing.status)) ended.set(id, standing);
    const tookMs = performance.now() - startMs;
    pauseMs = Math.min(Math.max(tookMs * PAUSE_PER_LOOK, LOOK_EVERY_MS), LOOK_AT_LEAST_EVERY_MS);
    return toBatchView(batch, ids, new Map([...standings, ...ended]));
  }

  return {
    watchers: 0,
    pauseMs: () => pauseMs,
    look() {
      if (asked && performance.now() - asked.answeredAtMs < pauseMs / 2) return asked.view;
      // Until it is answered, everybody waits for this one.
      const asking = { view: read(), answeredAtMs: Number.POSITIVE_INFINITY };
      const answered = () => {
        asking.answeredAtMs = performance.now();
      };
      asking.view.then(answered, answered);
      asked = asking;
      return asking.view;
    },
  };
}

/** In the order in which they ended. */
function newEnds(view: BatchView, told: Set<JobId>): BatchEvent[] {
  const ends = view.jobs.flatMap(({ id, status, finishedAtMs = 0 }, index) =>
    isFinal(status) && !told.has(id) ? [{ type: 'job' as const, index, id, status, finishedAtMs }] : [],
  );
  for (const { id } of ends) told.add(id);
  return ends
    .sort((a, b) => a.finishedAtMs - b.finishedAtMs || a.index - b.index)
    .map(({ finishedAtMs: _, ...event }) => event);
}
