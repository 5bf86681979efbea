/**
 * Feeds in this process's memory, within bounds: what is longest without news is forgotten first, and whoever still reads
 * it is served from the stored result.
 */
import { EventEmitter } from 'node:events';
import { LRUCache } from 'lru-cache';
import type { JobId } from '../../job.js';
import { compareEventIds, type FeedEvent, type JobFeed } from '../../job-feed.js';
import { createEmbeddedInputs } from './job-inputs.js';

/** Most bytes of all feeds together. */
const MAX_BYTES = 64 * 1024 * 1024;
/** How long a feed is kept without news, in milliseconds; and after its end, for those who are late. */
const KEEP_QUIET_MS = 600_000;
const KEEP_ENDED_MS = 10_000;
/** About what an event takes besides its output, in bytes. */
const EVENT_BYTES = 500;
/** How often what is kept no longer is dropped, in milliseconds. */
const DROP_EVERY_MS = 5_000;

interface Feed {
  readonly events: FeedEvent[];
  bytes: number;
}

export function createEmbeddedJobFeed(): JobFeed {
  const feeds = new LRUCache<JobId, Feed>({
    maxSize: MAX_BYTES,
    ttl: KEEP_QUIET_MS,
    sizeCalculation: ({ bytes }) => bytes,
  });
  const dropping = setInterval(() => feeds.purgeStale(), DROP_EVERY_MS).unref();
  const news = new EventEmitter().setMaxListeners(0);
  const wishes = new EventEmitter().setMaxListeners(0);

  return {
    async append(id, event) {
      const feed = feeds.get(id) ?? { events: [], bytes: 0 };
      const last = feed.events.at(-1);
      if (last && compareEventIds(event.id, last.id) <= 0) return false;
      feed.events.push(event);
      feed.bytes += EVENT_BYTES + ('data' in event ? event.data.length : 0);
      feeds.set(id, feed, { ttl: event.type === 'end' ? KEEP_ENDED_MS : KEEP_QUIET_MS });
      news.emit(id);
      return true;
    },
    async *read(id, after, signal) {
      let of: readonly FeedEvent[] | undefined;
      for (let seen = 0; ; ) {
        const events = feeds.get(id)?.events ?? [];
        // Forgotten meanwhile and begun again: other events, from the first.
        if (events !== of) seen = 0;
        of = events;
        for (; seen < events.length; seen += 1) {
          const event = events[seen] as FeedEvent;
          if (after && compareEventIds(event.id, after) <= 0) continue;
          yield event;
          if (event.type === 'end') return;
        }
        // Nothing falls between the look and the wait: no other code runs in between.
        await nextNews(news, id, signal);
        signal.throwIfAborted();
      }
    },
    has: async (id, eventId) => feeds.get(id)?.events.some((event) => event.id === eventId) ?? false,
    wish: async (id, wish) => void wishes.emit(id, wish),
    onWish(id, hear) {
      wishes.on(id, hear);
      return () => wishes.off(id, hear);
    },
    ...createEmbeddedInputs(),
    async close() {
      clearInterval(dropping);
      feeds.clear();
    },
  };
}

/** Resolves when something was appended, or the signal aborts. */
function nextNews(news: EventEmitter, id: JobId, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      news.off(id, done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    news.on(id, done);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}
