/** What this server has against what a client asks for around its program: its callback, and its time. */
import { callbackUrlProblem, type FieldProblem } from '@runlane/contract';
import { type CallbackRules, createCallbackRules } from '@runlane/core';
import type { Caller } from './auth/caller.js';

interface AskedTerms {
  readonly callbackUrl?: unknown;
  readonly notBefore?: unknown;
}

/** Takes anything: what is no address, or no time, at all has been said already. */
export type TermProblems = (asked: AskedTerms) => FieldProblem[];

export interface CallbackConfig {
  readonly WEBHOOKS: 'on' | undefined;
  readonly WEBHOOK_ALLOW_HTTP: boolean;
  readonly WEBHOOK_ALLOWED_NETWORKS: readonly string[];
}

const NOT_SET_UP =
  'this server calls nobody: it needs WEBHOOK_SECRET, and a command service by itself WEBHOOKS=on (docs/webhooks.md)';

export function createTermProblems(config: CallbackConfig): TermProblems {
  const rules: CallbackRules = createCallbackRules({
    allowHttp: config.WEBHOOK_ALLOW_HTTP,
    allowedNetworks: config.WEBHOOK_ALLOWED_NETWORKS,
  });
  const problemOf = (url: string) => (config.WEBHOOKS ? rules.problem(new URL(url)) : NOT_SET_UP);
  return ({ callbackUrl }) => {
    if (typeof callbackUrl !== 'string' || callbackUrlProblem(callbackUrl)) return [];
    const reason = problemOf(callbackUrl);
    return reason ? [{ field: 'callbackUrl', reason }] : [];
  };
}

/** The same for whoever calls: readers of pages may ask for neither. */
export function termProblemsFor({ isReader }: Caller, usual: TermProblems): TermProblems {
  return isReader ? refuseAny : usual;
}

const refuseAny: TermProblems = ({ callbackUrl, notBefore }) => [
  ...(callbackUrl === undefined
    ? []
    : [{ field: 'callbackUrl', reason: 'needs an API key: pages have nobody called' }]),
  ...(notBefore === undefined ? [] : [{ field: 'notBefore', reason: 'needs an API key: pages run programs at once' }]),
];
