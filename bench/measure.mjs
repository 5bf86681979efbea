/** Measuring: how long work takes, how often it can be done, and what to say of many times. */

export const PYTHON = '/usr/bin/python3';
export const HELLO = "print('Hello, World!')";
export const GREETING = 'Hello, World!\n';

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
  return { ...percentiles(times), perSecond: (count / (performance.now() - startMs)) * 1_000 };
}

/** Two kinds of work in turns, so that both meet the same noise: the percentiles of each, and the ratio of their medians. */
export async function inTurns(count, { bare, work }) {
  const times = { bare: [], work: [] };
  for (let i = 0; i < count; i += 1) {
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
