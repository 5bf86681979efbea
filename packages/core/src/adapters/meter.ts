/** A meter is a rate limiter that never refuses: what is too much, whoever asks knows best. */
import type { RateLimiterAbstract } from 'rate-limiter-flexible';
import type { Meter } from '../meter.js';

export function meterOver(limiter: RateLimiterAbstract): Meter {
  return {
    async add(name, amount) {
      const used = amount > 0 ? await limiter.penalty(name, amount) : await limiter.get(name);
      return { amount: used?.consumedPoints ?? 0, resetsInMs: Math.max(used?.msBeforeNext ?? 0, 0) };
    },
  };
}
