/**
 * Feeds as Redis Streams: an event's id is its stream id, so Redis itself refuses the late event of an attempt that is
 * over. Readers look once a second, and at once when told by pub/sub, which may lose a hint but costs nothing to miss.
 */
import { EventEmitter } from 'node:events';
import { within } from '../../deadline.js';
import type { JobId } from '../../job.js';
import type { EventId, FeedEvent, JobFeed, Wish } from '../../job-feed.js';
import type { JudgedCase } from '../../judging.js';
import type { Log } from '../../log.js';
import { connectForCommands, connectToWait } from './connection.js';
import { createRedisInputs } from './job-inputs.js';
import { listenForNews } from './news.js';

export interface RedisJobFeedOptions {
  /** Such as `redis://127.0.0.1:6379`. Redis 6.2 or newer. */
  readonly url: string;
  readonly log: Log;
}

/** Longest time for a call. A run waits for what it appends. */
const CALL_MS = 500;
/** After a call that got no answer, appends fail at once for this long: a frozen Redis must not slow down a run. */
const AWAY_MS = 2_000;
const PAGE = 256;
/** Far more than a job within its output limit makes; Redis may keep a little more. */
const MAX_EVENTS = 100_000;
/** How long a feed is kept after its last event: an hour for a program that is silent, less for one that is over. */
const KEEP_MS = 3_600_000;
const KEEP_ENDED_MS = 60_000;

const APPEND = `
local added = redis.pcall('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], ARGV[2], 'type', ARGV[3], 'data', ARGV[4])
if type(added) == 'table' and added.err then
  -- "equal or smaller than the target stream top item", or "must be greater than 0-0".
  if string.find(added.err, 'ID specified in XADD') then return 0 end
  return added
end
redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('PUBLISH', KEYS[1], '')
return 1
`;

const feedOf = (id: JobId) => `runlane:feed:${id}`;
const wishesOf = (id: JobId) => `runlane:wishes:${id}`;

export function createRedisJobFeed({ url, log }: RedisJobFeedOptions): JobFeed {
  const commands = connectForCommands({ url, name: 'runlane-feed', timeoutMs: CALL_MS, log });
  const subscriber = connectToWait({ url, name: 'runlane-feed-hints', log });
  const heard = new EventEmitter().setMaxListeners(0);
  subscriber.on('message', (channel, message) => heard.emit(channel, message));
  let awayUntilMs = 0;
  let closed = false;

  const bounded = <T>(call: () => Promise<T>) => within(CALL_MS, commands.tried.then(call));

  /** One subscription a channel, however many listen. It is made again by itself after a reconnect. */
  function listen(channel: string, hear: (message: string) => void): () => void {
    heard.on(channel, hear);
    // Whatever was said before the subscription held is read now.
    if (heard.listenerCount(channel) === 1) subscriber.subscribe(channel).then(() => heard.emit(channel, ''), ignore);
    return () => {
      if (!heard.listeners(channel).includes(hear)) return;
      heard.off(channel, hear);
      if (heard.listenerCount(channel) === 0) subscriber.unsubscribe(channel).catch(ignore);
    };
  }

  async function eventsAfter(id: JobId, after: EventId | undefined): Promise<FeedEvent[]> {
    const start = after ? `(${after}` : '-';
    const entries = await bounded(() => commands.redis.xrangeBuffer(feedOf(id), start, '+', 'COUNT', PAGE));
    return entries.map(([eventId, fields]) => toEvent(eventId.toString(), fields));
  }

  return {
    async append(id, event) {
      if (performance.now() < awayUntilMs) throw new Error('the feed does not answer; not tried again yet');
      const startMs = performance.now();
      const keepMs = event.type === 'end' ? KEEP_ENDED_MS : KEEP_MS;
      try {
        const added = await bounded(() =>
          commands.redis.eval(APPEND, 1, feedOf(id), MAX_EVENTS, event.id, event.type, dataOf(event), keepMs),
        );
        return added === 1;
      } catch (cause) {
        if (performance.now() - startMs >= CALL_MS - 1) awayUntilMs = performance.now() + AWAY_MS;
        throw new Error('the feed does not answer', { cause });
      }
    },

    async *read(id, after, signal) {
      let cursor = after;
      // Listening before the first look, so that nothing falls between.
      const news = listenForNews(listen, feedOf(id), signal);
      try {
        while (!closed) {
          if (signal.aborted) throw abortError(signal);
          news.expect();
          // Redis may come back: what it has then is read then.
          const events = await eventsAfter(id, cursor).catch((): FeedEvent[] => []);
          for (const event of events) {
            cursor = event.id;
            yield event;
            if (event.type === 'end') return;
          }
          if (events.length === PAGE) continue;
          await news.wait();
        }
      } finally {
        news.close();
      }
    },

    async has(id, eventId) {
      const found = await bounded(() => commands.redis.xrange(feedOf(id), eventId, eventId)).catch(() => []);
      return found.length > 0;
    },

    async wish(id, wish) {
      await bounded(() => commands.redis.publish(wishesOf(id), JSON.stringify(wish)));
    },

    onWish: (id, hear) =>
      listen(wishesOf(id), (message) => {
        if (message !== '') hear(JSON.parse(message) as Wish);
      }),

    ...createRedisInputs({ redis: commands.redis, bounded, listen }),

    async close() {
      closed = true;
      commands.redis.disconnect();
      subscriber.disconnect();
    },
  };
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** What an event carries, as one value. */
function dataOf(event: FeedEvent): Buffer | string {
  switch (event.type) {
    case 'status':
      return event.status;
    case 'stdout':
    case 'stderr':
      return toBuffer(event.data);
    case 'case':
      return JSON.stringify(event.case);
    case 'end':
      return '';
  }
}

function toEvent(id: EventId, [, type, , data = Buffer.alloc(0)]: readonly Buffer[]): FeedEvent {
  const name = String(type) as FeedEvent['type'];
  if (name === 'end') return { id, type: name };
  if (name === 'case') return { id, type: name, case: JSON.parse(String(data)) as JudgedCase };
  return name === 'status' ? { id, type: name, status: String(data) as never } : { id, type: name, data };
}

function abortError(signal: AbortSignal): Error {
  return Object.assign(new Error('the reader went away', { cause: signal.reason }), { name: 'AbortError' });
}

function ignore(): void {}
