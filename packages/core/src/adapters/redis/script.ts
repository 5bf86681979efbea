/** A script that is run often: by its digest, so that its text need not be sent, read and hashed for every call. */
import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';

export type Script = (redis: Redis, ...words: readonly (string | number)[]) => Promise<unknown>;

/**
 * For calls whose order does not matter: where Redis has forgotten the script, or never had it, the text is sent after all, and
 * calls that were sent meanwhile come first.
 */
export function createScript(text: string): Script {
  const digest = createHash('sha1').update(text).digest('hex');
  return (redis, ...words) =>
    redis.evalsha(digest, 0, ...words).catch((error: Error) => {
      if (!error.message.startsWith('NOSCRIPT')) throw error;
      return redis.eval(text, 0, ...words);
    });
}
