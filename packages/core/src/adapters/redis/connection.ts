/**
 * Connections to Redis of two kinds: for commands whose caller waits, which fail soon when Redis is away or frozen; and
 * for those that block or listen, which wait for Redis as long as it takes. Neither ever ends the process.
 */
import { Redis, type RedisOptions } from 'ioredis';
import type { Log } from '../../log.js';

export interface ConnectionOptions {
  readonly url: string;
  /** As `CLIENT LIST` shows it. */
  readonly name: string;
  readonly log: Log;
}

export interface CommandConnection {
  readonly redis: Redis;
  /** Resolves once the first attempt to connect has succeeded or failed: until then commands would fail needlessly. */
  readonly tried: Promise<void>;
}

/** @param timeoutMs longest time for one command. It may still be carried out later: a failed command is a maybe. */
export function connectForCommands(options: ConnectionOptions & { readonly timeoutMs: number }): CommandConnection {
  const redis = connect(options, {
    commandTimeout: options.timeoutMs,
    // Without these, a command waits through 20 attempts to connect: nearly four minutes.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
  });
  const tried = new Promise<void>((resolve) => {
    redis.once('ready', resolve);
    redis.once('close', resolve);
  });
  return { redis, tried };
}

/** Bull insists on both settings for connections that block or listen, and they are right for any such. */
export function connectToWait(options: ConnectionOptions): Redis {
  return connect(options, { maxRetriesPerRequest: null, enableReadyCheck: false, lazyConnect: true });
}

/** Longer than any command here blocks on purpose (5 s): then the connection is half open, and is made anew. */
const SILENCE_MS = 15_000;

function connect({ url, name, log }: ConnectionOptions, more: RedisOptions): Redis {
  const redis = new Redis(url, {
    connectionName: name,
    connectTimeout: 1_500,
    keepAlive: 10_000,
    socketTimeout: SILENCE_MS,
    retryStrategy: (times) => Math.min(25 * 2 ** times, 1_000),
    ...more,
  });
  let away = false;
  // Its message alone: the error itself holds the command, and with it a password.
  // An 'error' event that nobody hears would be printed; one outage is one line in the log, not one for each attempt.
  redis.on('error', (error) => {
    if (!away)
      log.warn({ reason: error.message, connection: name }, 'Redis does not answer; trying again until it does');
    away = true;
  });
  redis.on('ready', () => {
    if (away) log.info({ connection: name }, 'Redis answers again');
    away = false;
  });
  return redis;
}
