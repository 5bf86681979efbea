/**
 * The input of interactive jobs as Redis Streams, on its way from whoever is attached to whoever runs the job. Its number is its
 * stream id, so what is sent again after a broken connection is not there twice; what was read is removed, and makes room.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { JobId } from '../../job.js';
import { inputBytes, type JobFeed, type JobInput, MAX_WAITING_INPUT_BYTES } from '../../job-feed.js';
import { type Listen, listenForNews } from './news.js';

export interface RedisInputsOptions {
  readonly redis: Redis;
  /** A call that fails when it takes too long. */
  readonly bounded: <T>(call: () => Promise<T>) => Promise<T>;
  readonly listen: Listen;
}

/** How often room is asked for, in milliseconds. */
const ROOM_POLL_MS = 100;
const PAGE = 64;
/** How long input is kept after the last came, where whoever was attached has not dropped it: for the job may wait for its turn. */
const KEEP_MS = 24 * 3_600_000;

/** 1: it is there. 0: there is no room. The second key counts the bytes that wait. */
const APPEND = `
if tonumber(redis.call('GET', KEYS[2]) or '0') >= tonumber(ARGV[1]) then return 0 end
local added = redis.pcall('XADD', KEYS[1], ARGV[2] .. '-0', 'type', ARGV[3], 'data', ARGV[4])
if type(added) == 'table' and added.err then
  if string.find(added.err, 'ID specified in XADD') then return 1 end
  return added
end
redis.call('INCRBY', KEYS[2], ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[6])
redis.call('PEXPIRE', KEYS[2], ARGV[6])
redis.call('PUBLISH', KEYS[1], '')
return 1
`;

/** Remove what was read, up to an id: the stream stays, and with it the highest id. */
const TAKE = `
redis.call('XTRIM', KEYS[1], 'MINID', ARGV[1])
if redis.call('EXISTS', KEYS[2]) == 1 then redis.call('DECRBY', KEYS[2], ARGV[2]) end
`;

const streamOf = (id: JobId) => `runlane:input:${id}`;
const bytesOf = (id: JobId) => `runlane:input-bytes:${id}`;

export function createRedisInputs({
  redis,
  bounded,
  listen,
}: RedisInputsOptions): Pick<JobFeed, 'appendInput' | 'readInput' | 'dropInput'> {
  const keysOf = (id: JobId) => [streamOf(id), bytesOf(id)] as const;

  return {
    async appendInput(id, sequence, input, signal) {
      const words = [MAX_WAITING_INPUT_BYTES, sequence, input.type, dataOf(input), inputBytes(input), KEEP_MS] as const;
      for (;;) {
        signal.throwIfAborted();
        const added = await bounded(() => redis.eval(APPEND, 2, ...keysOf(id), ...words));
        if (added === 1) return;
        await sleep(ROOM_POLL_MS, undefined, { signal });
      }
    },

    async *readInput(id, signal) {
      let last = 0;
      let readBytes = 0;
      const news = listenForNews(listen, streamOf(id), signal);
      try {
        while (!signal.aborted) {
          news.expect();
          // Redis may come back; whoever is attached notices that it was away, and ends the run.
          const page = await bounded(() => redis.xrangeBuffer(streamOf(id), `(${last}-0`, '+', 'COUNT', PAGE)).catch(
            () => [],
          );
          for (const [eventId, fields] of page) {
            const input = toInput(fields);
            yield input;
            if (signal.aborted) return;
            last = Number.parseInt(eventId.toString(), 10);
            readBytes += inputBytes(input);
          }
          if (readBytes > 0) {
            const freed = await bounded(() => redis.eval(TAKE, 2, ...keysOf(id), `${last + 1}-0`, readBytes)).then(
              () => true,
              () => false,
            );
            if (freed) readBytes = 0;
          }
          if (page.length === 0) await news.wait();
        }
      } finally {
        news.close();
      }
    },

    async dropInput(id) {
      await bounded(() => redis.del(...keysOf(id))).catch(() => undefined);
    },
  };
}

function dataOf(input: JobInput): Buffer | string {
  switch (input.type) {
    case 'stdin':
      return Buffer.from(input.data.buffer, input.data.byteOffset, input.data.byteLength);
    case 'signal':
      return input.name;
    case 'resize':
      return JSON.stringify({ rows: input.rows, columns: input.columns });
    case 'close_stdin':
      return '';
  }
}

function toInput([, type, , data = Buffer.alloc(0)]: readonly Buffer[]): JobInput {
  const name = String(type) as JobInput['type'];
  switch (name) {
    case 'stdin':
      return { type: name, data };
    case 'signal':
      return { type: name, name: String(data) as never };
    case 'resize':
      return { type: name, ...(JSON.parse(String(data)) as { rows: number; columns: number }) };
    case 'close_stdin':
      return { type: name };
  }
}
