/** A call of a callback, from its address as text to an answer: looked up, checked, signed, sent, all within a time. */
import type { DeliveryError } from '@runlane/contract';
import type { CallbackRules } from '@runlane/core';
import { type Answer, post } from './post.js';
import type { Resolve } from './resolve.js';
import { type SignedMessage, signaturesOf } from './sign.js';

export interface CallDependencies {
  readonly rules: CallbackRules;
  readonly resolve: Resolve;
  readonly secrets: readonly Uint8Array[];
  readonly timeoutMs: number;
  /** Aborts when the worker stops. */
  readonly stopping: AbortSignal;
}

export type MakeCall = (url: URL, message: SignedMessage) => Promise<Answer>;

export function createMakeCall({ rules, resolve, secrets, timeoutMs, stopping }: CallDependencies): MakeCall {
  async function call(url: URL, message: SignedMessage, signal: AbortSignal): Promise<Answer> {
    if (rules.problem(url)) return { error: 'address_refused' };
    const addresses = await resolve(url, signal);
    if (signal.aborted) return { error: signal.reason as DeliveryError };
    if (addresses.length === 0) return { error: 'not_resolved' };
    // One bad address refuses all: nobody has good reason to mix them, and whichever is connected to must not be left to chance.
    if (!addresses.every(rules.mayCall)) return { error: 'address_refused' };
    return post({ url, addresses, headers: headersOf(message, secrets), body: message.body, signal });
  }

  return async (url, message) => {
    const over = new AbortController();
    const endWith = (reason: DeliveryError) => over.abort(reason);
    const timer = setTimeout(endWith, timeoutMs, 'timed_out');
    const end = () => endWith('broken_off');
    stopping.addEventListener('abort', end, { once: true });
    try {
      return await call(url, message, over.signal);
    } finally {
      clearTimeout(timer);
      stopping.removeEventListener('abort', end);
    }
  };
}

function headersOf(message: SignedMessage, secrets: readonly Uint8Array[]): Record<string, string> {
  return {
    'content-type': 'application/json',
    'user-agent': 'Runlane',
    'webhook-id': message.id,
    'webhook-timestamp': String(message.timestamp),
    'webhook-signature': signaturesOf(message, secrets),
  };
}
