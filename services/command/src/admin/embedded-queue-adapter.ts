/** Shows a queue in memory on Bull Board, which knows only Bull's. It only reads: the board is read-only. */

import { BaseAdapter } from '@bull-board/api/dist/queueAdapters/base.js';
import type { JobCounts, JobStatus, QueueJob, QueueJobOptions, Status } from '@bull-board/api/dist/types.js';
import { QUEUE_NAMES, type QueuedStage } from '@runlane/core';
import type { Delivery, EmbeddedJobQueue } from '@runlane/core/adapters';

const SHOWN = ['active', 'waiting', 'delayed'] as const;
type Shown = (typeof SHOWN)[number];

const refuse = async (): Promise<never> => {
  throw new Error('the board is read-only');
};

export class EmbeddedQueueAdapter extends BaseAdapter {
  constructor(
    private readonly queue: EmbeddedJobQueue,
    private readonly stage: QueuedStage,
  ) {
    super('bull', { readOnlyMode: true, description: 'in memory; rebuilt from the store after a restart' });
  }

  getName = () => QUEUE_NAMES[this.stage];
  getStatuses = (): Status[] => ['latest', ...SHOWN];
  getJobStatuses = (): JobStatus[] => [...SHOWN];
  isPaused = async () => false;
  getRedisInfo = async () => null;
  getJobLogs = async () => [];
  getMetrics = async () => ({ meta: { count: 0, prevTS: 0, prevCount: 0 }, data: [], count: 0 });
  getJobSchedulers = async () => [];
  getJobSchedulersCount = async () => 0;
  getGlobalConcurrency = async () => null;

  async getJobCounts(): Promise<JobCounts> {
    const { active, waiting, delayed } = this.queue.deliveries(this.stage);
    return { active: active.length, waiting: waiting.length, delayed: delayed.length } as JobCounts;
  }

  async getJobs(statuses: JobStatus[], start = 0, end = -1): Promise<QueueJob[]> {
    const deliveries = this.queue.deliveries(this.stage);
    const jobs = SHOWN.filter((status) => (statuses as string[]).includes(status)).flatMap((status) =>
      deliveries[status].map((delivery) => toQueueJob(delivery, status)),
    );
    return jobs.slice(start, end < 0 ? undefined : end + 1);
  }

  async getJob(id: string): Promise<QueueJob | undefined> {
    const jobs = await this.getJobs([...SHOWN]);
    return jobs.find((job) => job.toJSON().id === id);
  }

  clean = refuse;
  addJob = refuse;
  pause = refuse;
  resume = refuse;
  empty = refuse;
  obliterate = refuse;
  promoteAll = refuse;
  removeJobScheduler = refuse;
  updateJobScheduler = refuse;
  runJobSchedulerNow = refuse;
  setGlobalConcurrency = refuse;
}

function toQueueJob({ id, addedAtMs, priority, notBeforeAtMs }: Delivery, status: Shown): QueueJob {
  const delay = Math.max(0, notBeforeAtMs - addedAtMs);
  const opts: QueueJobOptions = { delay };
  return {
    opts,
    promote: refuse,
    remove: refuse,
    retry: refuse,
    toJSON: () => ({
      id,
      name: '__default__',
      progress: 0,
      attemptsMade: 0,
      timestamp: addedAtMs,
      failedReason: '',
      stacktrace: [],
      data: { id },
      returnvalue: null,
      opts: { ...opts, priority },
      delay,
    }),
    getState: async () => status,
  };
}
