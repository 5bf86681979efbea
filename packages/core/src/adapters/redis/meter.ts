/** Use counted in Redis, over all processes; each counts by itself while Redis is away. */
import { RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible';
import type { Log } from '../../log.js';
import type { Meter } from '../../meter.js';
import { meterOver } from '../meter.js';
import { connectForCommands } from './connection.js';

/** Longest that a request waits for its count, in milliseconds. */
const TIMEOUT_MS = 500;

export interface RedisMeters {
  create(name: string, windowSeconds: number): Meter;
  close(): Promise<void>;
}

export function createRedisMeters({ url, log }: { readonly url: string; readonly log: Log }): RedisMeters {
  const { redis, tried } = connectForCommands({ url, name: 'meters', log, timeoutMs: TIMEOUT_MS });
  return {
    create(name, windowSeconds) {
      const options = { points: Number.MAX_SAFE_INTEGER, duration: windowSeconds };
      const limiter = new RateLimiterRedis({
        ...options,
        storeClient: redis,
        keyPrefix: `runlane:meter:${name}`,
        insuranceLimiter: new RateLimiterMemory(options),
      });
      const meter = meterOver(limiter);
      return { add: (...use) => tried.then(() => meter.add(...use)) };
    },
    close: async () => redis.disconnect(),
  };
}
