/** What this server has against the callback that a client asks for. */
import { callbackUrlProblem, type FieldProblem } from '@runlane/contract';
import { type CallbackRules, createCallbackRules } from '@runlane/core';
import type { Caller } from './auth/caller.js';

/** Takes anything: what is no address at all has been said already. */
export type CallbackProblems = (callbackUrl: unknown) => FieldProblem[];

export interface CallbackConfig {
  readonly WEBHOOKS: 'on' | undefined;
  readonly WEBHOOK_ALLOW_HTTP: boolean;
  readonly WEBHOOK_ALLOWED_NETWORKS: readonly string[];
}

const NOT_SET_UP =
  'this server calls nobody: it needs WEBHOOK_SECRET, and a command service by itself WEBHOOKS=on (docs/webhooks.md)';

export function createCallbackProblems(config: CallbackConfig): CallbackProblems {
  const rules: CallbackRules = createCallbackRules({
    allowHttp: config.WEBHOOK_ALLOW_HTTP,
    allowedNetworks: config.WEBHOOK_ALLOWED_NETWORKS,
  });
  const problemOf = (url: string) => (config.WEBHOOKS ? rules.problem(new URL(url)) : NOT_SET_UP);
  return (callbackUrl) => {
    if (typeof callbackUrl !== 'string' || callbackUrlProblem(callbackUrl)) return [];
    const reason = problemOf(callbackUrl);
    return reason ? [{ field: 'callbackUrl', reason }] : [];
  };
}

/** The same for whoever calls: some may have nobody called at all. */
export function callbackProblemsFor({ callsNobody }: Caller, usual: CallbackProblems): CallbackProblems {
  return callsNobody ? refuseAny : usual;
}

const refuseAny: CallbackProblems = (callbackUrl) =>
  callbackUrl === undefined ? [] : [{ field: 'callbackUrl', reason: 'needs an API key: pages have nobody called' }];
