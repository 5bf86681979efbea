/** How much a caller may still use: requests of a minute, jobs without a result, processor time of a day. */
import { RunlaneError } from '@runlane/contract';
import { type JobStore, METER_WINDOWS_SECONDS, type Meters, type OwnerId } from '@runlane/core';
import type { Caller } from './caller.js';

/** How old a count of unfinished jobs may be, in milliseconds: other processes accept jobs as well. */
const COUNT_EVERY_MS = 1_000;
/** Where very many are unfinished, counting takes longer than this, in milliseconds, and is not done all the time. */
const CHEAP_COUNT_MS = 50;
const COUNT_EVERY_RATIO = 10;
/** Jobs looked at in one go when they are counted. */
const COUNT_PAGE = 1_000;
const UNFINISHED_RETRY_SECONDS = 1;

/** For the `RateLimit` headers. */
export interface RequestAllowance {
  readonly limit: number;
  readonly windowSeconds: number;
  readonly remaining: number;
  readonly resetSeconds: number;
}

export interface Allowance {
  /** Count a request; undefined where requests are not limited. @throws RunlaneError `RATE_LIMITED` */
  takeRequest(caller: Caller): Promise<RequestAllowance | undefined>;
  /**
   * Take room for so many jobs, or for none of them; what it gives is called when they are stored, or will not be.
   * @throws RunlaneError `JOB_LIMIT_REACHED` · `QUOTA_EXCEEDED`
   */
  takeJobs(caller: Caller, jobs: number): Promise<() => void>;
}

export interface AllowanceDependencies {
  readonly store: Pick<JobStore, 'inFlight'>;
  readonly meters: Meters;
}

export function createAllowance({ store, meters }: AllowanceDependencies): Allowance {
  const unfinished = createUnfinishedJobs(store);

  async function checkCpuTime({ ownerId, limits }: Caller): Promise<void> {
    if (limits.cpuSecondsPerDay === undefined) return;
    const { amount, resetsInMs } = await meters.cpuTimeMs.add(ownerId, 0);
    if (amount < limits.cpuSecondsPerDay * 1_000) return;
    const message = `the ${limits.cpuSecondsPerDay} seconds of processor time of a day are used up`;
    throw new RunlaneError('QUOTA_EXCEEDED', message, { retryAfterSeconds: inSeconds(resetsInMs) });
  }

  return {
    async takeRequest({ keyId, limits: { requestsPerMinute: limit } }) {
      if (limit === undefined) return undefined;
      const { amount, resetsInMs } = await meters.requests.add(keyId, 1);
      const resetSeconds = inSeconds(resetsInMs);
      if (amount > limit) {
        const message = `the key may make ${limit} requests a minute`;
        throw new RunlaneError('RATE_LIMITED', message, { retryAfterSeconds: resetSeconds });
      }
      return { limit, windowSeconds: METER_WINDOWS_SECONDS.requests, remaining: limit - amount, resetSeconds };
    },

    async takeJobs(caller, jobs) {
      await checkCpuTime(caller);
      return unfinished.take(caller, jobs);
    },
  };
}

const inSeconds = (ms: number) => Math.max(1, Math.ceil(ms / 1_000));

/** Counts the unfinished jobs of owners: those in the store, and those that are just being stored. */
function createUnfinishedJobs(store: Pick<JobStore, 'inFlight'>) {
  let stored = new Map<OwnerId, number>();
  let countedAtMs = Number.NEGATIVE_INFINITY;
  let countTookMs = 0;
  let counting: Promise<void> | undefined;
  const arriving = new Map<OwnerId, number>();
  const of = (owner: OwnerId) => (stored.get(owner) ?? 0) + (arriving.get(owner) ?? 0);

  async function countAnew(): Promise<void> {
    const beganAtMs = performance.now();
    const counts = new Map<OwnerId, number>();
    let after: string | undefined;
    do {
      const page = await store.inFlight(after, COUNT_PAGE);
      for (const { ownerId } of page) counts.set(ownerId, (counts.get(ownerId) ?? 0) + 1);
      after = page.length === COUNT_PAGE ? page.at(-1)?.id : undefined;
    } while (after !== undefined);
    stored = counts;
    countedAtMs = beganAtMs;
    countTookMs = performance.now() - beganAtMs;
  }

  function recount(): Promise<void> {
    counting ??= countAnew().finally(() => {
      counting = undefined;
    });
    return counting;
  }

  return {
    async take({ ownerId, limits: { unfinishedJobs: limit } }: Caller, jobs: number): Promise<() => void> {
      if (limit === undefined) return () => {};
      if (jobs > limit) throw new RunlaneError('INVALID_REQUEST', `at most ${limit} jobs may be unfinished at once`);
      const ageMs = performance.now() - countedAtMs;
      const restsMs = countTookMs > CHEAP_COUNT_MS ? countTookMs * COUNT_EVERY_RATIO : 0;
      const isOld = ageMs > Math.max(COUNT_EVERY_MS, restsMs);
      // Those that have ended since are still counted: before anybody is refused for them, it is counted anew.
      const isFull = of(ownerId) + jobs > limit && ageMs > restsMs;
      if (counting || isOld || isFull) await recount();
      if (of(ownerId) + jobs > limit) {
        const message = `unfinished jobs: ${of(ownerId)}, and at most ${limit} may be; wait for one to end`;
        throw new RunlaneError('JOB_LIMIT_REACHED', message, { retryAfterSeconds: UNFINISHED_RETRY_SECONDS });
      }
      arriving.set(ownerId, (arriving.get(ownerId) ?? 0) + jobs);
      return () => {
        const others = (arriving.get(ownerId) ?? 0) - jobs;
        if (others > 0) arriving.set(ownerId, others);
        else arriving.delete(ownerId);
        stored.set(ownerId, (stored.get(ownerId) ?? 0) + jobs);
      };
    },
  };
}
