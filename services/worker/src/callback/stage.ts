/** Callbacks as a worker has them: made from its configuration, and none where there is nothing to sign with. */
import { createCallbackRules, type JobId } from '@runlane/core';
import type { Outcome } from '../claimed.js';
import type { WorkerContext } from '../context.js';
import { createMakeCall } from './call.js';
import { createDeliver } from './deliver.js';
import { createOwedLook } from './owed.js';
import { createReceivers } from './receivers.js';
import { resolveHost } from './resolve.js';

export const CALLBACK_VARIABLES = [
  'WEBHOOK_SECRET',
  'WEBHOOK_ALLOW_HTTP',
  'WEBHOOK_ALLOWED_NETWORKS',
  'WEBHOOK_ATTEMPTS',
  'WEBHOOK_RETRY_SECONDS',
  'WEBHOOK_TIMEOUT_SECONDS',
  'WEBHOOK_CONCURRENCY',
] as const;

export interface CallbackConfig {
  readonly WEBHOOK_SECRET: readonly Uint8Array[] | undefined;
  readonly WEBHOOK_ALLOW_HTTP: boolean;
  readonly WEBHOOK_ALLOWED_NETWORKS: readonly string[];
  readonly WEBHOOK_ATTEMPTS: number;
  readonly WEBHOOK_RETRY_SECONDS: number;
  readonly WEBHOOK_TIMEOUT_SECONDS: number;
  readonly WEBHOOK_CONCURRENCY: number;
}

export interface CallbackStage {
  readonly concurrency: number;
  deliver(id: JobId): Promise<Outcome>;
  /** Add what the queue lost, some at a time; true when the end was reached. */
  look(): Promise<boolean>;
}

/** Of the calls at once, what one receiver may have: a quarter. */
const SHARES = 4;

export function createCallbackStage(context: WorkerContext, config: CallbackConfig): CallbackStage | undefined {
  const { WEBHOOK_SECRET: secrets, WEBHOOK_TIMEOUT_SECONDS: timeoutMs, WEBHOOK_CONCURRENCY: concurrency } = config;
  if (!secrets) return undefined;
  const rules = createCallbackRules({
    allowHttp: config.WEBHOOK_ALLOW_HTTP,
    allowedNetworks: config.WEBHOOK_ALLOWED_NETWORKS,
  });
  const receivers = createReceivers(Math.ceil(concurrency / SHARES));
  const deliver = createDeliver(context, {
    makeCall: createMakeCall({ rules, resolve: resolveHost, secrets, timeoutMs, stopping: context.stopping }),
    receivers,
    maxCalls: config.WEBHOOK_ATTEMPTS,
    firstPauseMs: config.WEBHOOK_RETRY_SECONDS,
    // Beyond the call itself, what the store may take to hear of it.
    leaseMs: timeoutMs + context.leaseMs,
  });
  context.metrics.callsUnderWay(() => receivers.calls);
  return { concurrency, deliver, look: createOwedLook(context) };
}
