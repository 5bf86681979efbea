/** Another delivery of a job whose delivery is still being handled: a queue takes no second one while that lasts. */
import type { AddOptions, JobId, QueuedStage } from '@runlane/core';
import type { WorkerContext } from './context.js';

/** Until the delivery at hand is surely over, in milliseconds. */
const OVER_AFTER_MS = 50;

/** Lost with this process, it is the reconciler's to add. */
export function addLater(
  { queue }: Pick<WorkerContext, 'queue'>,
  stage: QueuedStage,
  id: JobId,
  options: AddOptions,
): void {
  setTimeout(() => void queue.add(stage, id, options).catch(() => undefined), OVER_AFTER_MS).unref();
}
