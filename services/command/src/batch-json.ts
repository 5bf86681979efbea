/** A batch in JSON, as REST gives it everywhere. */
import type { BatchJson } from '@runlane/contract';
import { toTime } from '@runlane/core';
import type { BatchView } from './batches.js';

export function toBatchJson({ batch, jobs, progress, finishedAtMs }: BatchView): BatchJson {
  return {
    id: batch.id,
    ownerId: batch.ownerId,
    createdAt: toTime(batch.createdAtMs),
    ...(finishedAtMs !== undefined && { finishedAt: toTime(finishedAtMs) }),
    ...progress,
    jobs: jobs.map(({ id, status }) => ({ id, status })),
    ...(batch.metadata && { metadata: batch.metadata }),
  };
}
