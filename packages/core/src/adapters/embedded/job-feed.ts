/** Feeds in this process's memory. An ended feed is kept for a while, so that who is late still sees it live. */
import { EventEmitter } from 'node:events';
import type { JobId } from '../../job.js';
import { compareEventIds, type FeedEvent, type JobFeed } from '../../job-feed.js';

/** How long a feed is kept after its end, in milliseconds: later readers are served from the stored result. */
const KEEP_ENDED_MS = 30_000;

interface Feed {
  readonly events: FeedEvent[];
}

export function createEmbeddedJobFeed(): JobFeed {
  const feeds = new Map<JobId, Feed>();
  const news = new EventEmitter().setMaxListeners(0);
  const wishes = new EventEmitter().setMaxListeners(0);
  const timers = new Set<NodeJS.Timeout>();

  function forgetLater(id: JobId): void {
    const timer = setTimeout(() => {
      timers.delete(timer);
      feeds.delete(id);
    }, KEEP_ENDED_MS);
    timer.unref();
    timers.add(timer);
  }

  return {
    async append(id, event) {
      const feed = feeds.get(id) ?? { events: [] };
      feeds.set(id, feed);
      const last = feed.events.at(-1);
      if (last && compareEventIds(event.id, last.id) <= 0) return false;
      feed.events.push(event);
      if (event.type === 'end') forgetLater(id);
      news.emit(id);
      return true;
    },
    async *read(id, after, signal) {
      for (let seen = 0; ; ) {
        const events = feeds.get(id)?.events ?? [];
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
    async close() {
      for (const timer of timers) clearTimeout(timer);
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
