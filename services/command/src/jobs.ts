/** Looking at jobs and ending them. A job is seen by its owner alone; another's is as unknown as none. */
import { RunlaneError } from '@runlane/contract';
import {
  isOver,
  type JobFeed,
  type JobId,
  type JobPage,
  type JobQueue,
  type JobStore,
  type JobView,
  type ListQuery,
  type OwnerId,
  resultWithoutRun,
} from '@runlane/core';

export interface Jobs {
  /** @throws RunlaneError `JOB_NOT_FOUND` */
  get(ownerId: OwnerId, id: JobId): Promise<JobView>;
  list(query: ListQuery): Promise<JobPage>;
  /** Record the wish to end a job; the job as it is then. @throws RunlaneError `JOB_NOT_FOUND` */
  cancel(ownerId: OwnerId, id: JobId): Promise<JobView>;
  /** End a job whose cancellation is recorded, or have whoever works on it end it. */
  carryOutCancel(id: JobId): Promise<void>;
}

export interface JobsDependencies {
  readonly store: JobStore;
  readonly feed: JobFeed;
  readonly queue: Pick<JobQueue, 'add' | 'takeBack'>;
}

export function createJobs({ store, feed, queue }: JobsDependencies): Jobs {
  async function get(ownerId: OwnerId, id: JobId): Promise<JobView> {
    const view = await store.get(id);
    if (view?.job.ownerId !== ownerId) throw new RunlaneError('JOB_NOT_FOUND', `there is no job ${id}`);
    return view;
  }

  async function carryOutCancel(id: JobId): Promise<void> {
    const view = await store.get(id);
    if (!view || isOver(view)) return;
    // After the wish is recorded: a worker that claims from now on sees it, one that claimed before is told.
    if (await store.isHeld(id)) await feed.wish(id, { type: 'cancel' }).catch(() => undefined);
    else if (await store.finish(id, view.attempt, resultWithoutRun('cancelled'))) {
      await feed.append(id, { id: `${view.attempt + 1}-1`, type: 'end' }).catch(() => undefined);
      if (view.job.notBeforeAtMs !== undefined) void queue.takeBack('exec', id).catch(() => undefined);
      // Not waited for: where the queue is away, the reconciler adds it later.
      if (view.job.callbackUrl !== undefined)
        void queue.add('callback', id, { ownerId: view.job.ownerId }).catch(() => undefined);
    }
  }

  return {
    get,
    carryOutCancel,
    list: (query) => store.list(query),
    async cancel(ownerId, id) {
      const view = await get(ownerId, id);
      if (isOver(view)) return view;
      await store.cancel(id);
      await carryOutCancel(id);
      return get(ownerId, id);
    },
  };
}
