/** Whether there is room for more jobs, from a count that is at most a second old. */
import { RunlaneError } from '@runlane/contract';
import type { JobStore } from '@runlane/core';

/** How often jobs in flight are counted, in milliseconds; those accepted in between are added. */
const COUNT_EVERY_MS = 1_000;

export interface Room {
  /** Jobs that may be in flight at once. */
  readonly size: number;
  /** Take room for so many jobs, or for none of them. @throws RunlaneError `QUEUE_FULL` */
  take(jobs: number): Promise<void>;
}

export function createRoom(store: Pick<JobStore, 'inFlightCount'>, maxQueuedJobs: number): Room {
  let count = 0;
  let countedAtMs = Number.NEGATIVE_INFINITY;
  let counting: Promise<void> | undefined;

  async function countAnew(): Promise<void> {
    const beganAtMs = performance.now();
    count = await store.inFlightCount();
    countedAtMs = beganAtMs;
  }

  return {
    size: maxQueuedJobs,
    async take(jobs) {
      if (performance.now() - countedAtMs > COUNT_EVERY_MS) {
        // Whoever comes meanwhile waits for the same count: one that came later would forget what the others have taken.
        counting ??= countAnew().finally(() => {
          counting = undefined;
        });
        await counting;
      }
      if (count + jobs > maxQueuedJobs) {
        const there =
          count < maxQueuedJobs ? `${count} jobs are waiting, and at most` : 'as many jobs as may are waiting:';
        throw new RunlaneError('QUEUE_FULL', `${there} ${maxQueuedJobs}; try again later`, { retryAfterSeconds: 5 });
      }
      // Before they are stored: of two who ask at the same time, the second is to see what the first took.
      count += jobs;
    },
  };
}
