/** Use counted in this process: for one process that is the whole platform. */
import { RateLimiterMemory } from 'rate-limiter-flexible';
import type { Meter } from '../../meter.js';
import { meterOver } from '../meter.js';

export function createEmbeddedMeter(windowSeconds: number): Meter {
  return meterOver(new RateLimiterMemory({ points: Number.MAX_SAFE_INTEGER, duration: windowSeconds }));
}
