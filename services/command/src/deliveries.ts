/** How telling a job's end to its callback goes: seen by its owner alone. */
import { type DeliveriesJson, type DeliveryJson, RunlaneError } from '@runlane/contract';
import { type Call, type JobId, type JobStore, messageIdOf, type OwnerId, toTime } from '@runlane/core';
import type { Jobs } from './jobs.js';

export interface Deliveries {
  /** @throws RunlaneError `JOB_NOT_FOUND` · `NOT_FOUND`, of a job without a callback. */
  of(ownerId: OwnerId, id: JobId): Promise<DeliveriesJson>;
}

export interface DeliveriesDependencies {
  readonly jobs: Pick<Jobs, 'get'>;
  readonly store: Pick<JobStore, 'callbacks'>;
}

export function createDeliveries({ jobs, store }: DeliveriesDependencies): Deliveries {
  return {
    async of(ownerId, id) {
      const { job } = await jobs.get(ownerId, id);
      const { callbackUrl } = job;
      if (callbackUrl === undefined) throw new RunlaneError('NOT_FOUND', `job ${id} has no callbackUrl`);
      const { calls, told } = await store.callbacks.history(id);
      const nextAtMs = told ? undefined : calls.at(-1)?.nextAtMs;
      return {
        jobId: id,
        webhookId: messageIdOf(id),
        callbackUrl,
        state: told?.outcome ?? 'pending',
        attempts: calls.map((call) => toAttemptJson(call, Date.now())),
        ...(nextAtMs !== undefined && { nextAttemptAt: toTime(nextAtMs) }),
      };
    },
  };
}

function toAttemptJson({ startedAtMs, endedAtMs, leaseMs, statusCode, error }: Call, nowMs: number): DeliveryJson {
  // Whoever made it never said what came of it: it may have arrived.
  const isLost = endedAtMs === undefined && nowMs > startedAtMs + leaseMs;
  return {
    startedAt: toTime(startedAtMs),
    ...(endedAtMs !== undefined && { endedAt: toTime(endedAtMs) }),
    ...(statusCode !== undefined && { statusCode }),
    ...(error !== undefined && { error }),
    ...(isLost && { error: 'lost' as const }),
  };
}
