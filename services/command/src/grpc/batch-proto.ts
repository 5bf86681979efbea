/** A batch and its events as protobuf messages. */
import type { execution, NewJob } from '@runlane/contract';
import type { Status } from '@runlane/core';
import type { BatchProgress, BatchView } from '../batches.js';
import type { BatchEvent } from '../watch-batch.js';
import { inOrder, STATUS, toNewJobInput } from './job-proto.js';

export function toBatchMessage({ batch, jobs, progress, finishedAtMs }: BatchView): execution.Batch {
  return {
    id: batch.id,
    ownerId: batch.ownerId,
    createdAtMs: batch.createdAtMs,
    finishedAtMs,
    progress: toProgressMessage(progress),
    jobs: jobs.map(({ id, status }) => ({ id, status: STATUS[status] })),
    metadata: { ...batch.metadata },
  };
}

function toProgressMessage({ total, finished, counts }: BatchProgress): execution.BatchProgress {
  const all = Object.entries(counts) as [Status, number][];
  return { total, finished, counts: all.map(([status, jobs]) => ({ status: STATUS[status], jobs })) };
}

export function toBatchEventMessage(event: BatchEvent): execution.WatchBatchResponse {
  switch (event.type) {
    case 'job': {
      const { index, id, status } = event;
      return { event: { $case: 'jobEnded', value: { index, id, status: STATUS[status] } } };
    }
    case 'progress':
      return { event: { $case: 'progress', value: toProgressMessage(event.progress) } };
    case 'done':
      return { event: { $case: 'done', value: toBatchMessage(event.view) } };
  }
}

/** A message as the JSON that REST would have got, so that one schema checks both. */
export function toNewBatchInput({ jobs, metadata }: execution.SubmitBatchRequest): {
  readonly jobs: readonly Record<keyof NewJob, unknown>[];
  readonly metadata: unknown;
} {
  return {
    jobs: jobs.map(toNewJobInput),
    metadata: Object.keys(metadata).length === 0 ? undefined : inOrder(metadata),
  };
}
