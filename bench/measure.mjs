/** Measuring: how long work takes, how often it can be done, and what to say of many times. */
import { setTimeout as sleep } from 'node:timers/promises';

export const PYTHON = '/usr/bin/python3';
export const HELLO = "print('Hello, World!')";
export const GREETING = 'Hello, World!\n';

/** Jobs before anything is measured: until then, compilers and caches of every process still fill up. */
export const WARM_UP_JOBS = 2_000;

export async function timed(work) {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

/** Do something so many times by so many at once. */
export async function rateOf(count, atOnce, work) {
  const times = [];
  let left = count;
  const startMs = performance.now();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (; left > 0; ) {
        left -= 1;
        times.push(await timed(work));
      }
    }),
  );
  const tookMs = performance.now() - startMs;
  return { ...percentiles(times), times, tookMs, perSecond: (count / tookMs) * 1_000 };
}

/** Two rates in turns, so that both meet the same noise, and the ratio of all that was done in all the time it took. */
export async function ratesInTurns(rounds, { bare, work }) {
  const all = { bare: [], work: [] };
  for (let i = 0; i < rounds; i += 1) {
    all.bare.push(await bare());
    all.work.push(await work());
  }
  const [bareAll, workAll] = [all.bare, all.work].map((rates) => {
    const times = rates.flatMap((rate) => rate.times);
    const tookMs = rates.reduce((sum, rate) => sum + rate.tookMs, 0);
    return { ...percentiles(times), perSecond: (times.length / tookMs) * 1_000 };
  });
  return { ...workAll, barePerSecond: bareAll.perSecond, ratio: workAll.perSecond / bareAll.perSecond };
}

/**
 * Two kinds of work in turns, so that both meet the same noise: the percentiles of each, and the ratio of their medians.
 * @param pauseMs before each turn, in which nothing is measured.
 */
export async function inTurns(count, { bare, work, pauseMs = 0 }) {
  const times = { bare: [], work: [] };
  for (let i = 0; i < count; i += 1) {
    if (pauseMs > 0) await sleep(pauseMs);
    times.bare.push(await timed(bare));
    times.work.push(await timed(work));
  }
  const [bareTimes, workTimes] = [percentiles(times.bare), percentiles(times.work)];
  return { bare: bareTimes, ...workTimes, ratio: workTimes.p50Ms / bareTimes.p50Ms };
}

export function percentiles(times) {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
  return { p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99) };
}

export const mib = (bytes) => bytes / 1024 / 1024;
