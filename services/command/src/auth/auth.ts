/** Whom a door lets in: the same for both of them. */
import { RunlaneError } from '@runlane/contract';
import type { KeyLimits, Scope } from '@runlane/core';
import type { Allowance, RequestAllowance } from './allowance.js';
import { ANYBODY, type Caller, embedded } from './caller.js';
import type { Keys } from './keys.js';

interface Admitted {
  readonly caller: Caller;
  /** Undefined where requests are not limited. */
  readonly requests?: RequestAllowance | undefined;
}

export interface Auth {
  /** Undefined where there are no keys, and everybody may do everything. */
  readonly keys: Keys | undefined;
  /**
   * @param isEmbedded it comes from a page that may have its readers run programs without a key.
   * @throws RunlaneError `UNAUTHENTICATED` · `FORBIDDEN` · `RATE_LIMITED`
   */
  admit(presented: string | undefined, scope: Scope, isEmbedded?: boolean): Promise<Admitted>;
}

export interface AuthOptions {
  readonly keys: Keys | undefined;
  readonly allowance: Allowance;
  /** What all readers of pages that run programs may use together. */
  readonly embedLimits: KeyLimits;
}

export function createAuth({ keys, allowance, embedLimits }: AuthOptions): Auth {
  async function callerOf(presented: string | undefined, isEmbedded: boolean): Promise<Caller> {
    if (isEmbedded && (!keys || presented === undefined)) return embedded(embedLimits);
    return keys ? keys.recognize(presented) : ANYBODY;
  }

  return {
    keys,
    async admit(presented, scope, isEmbedded = false) {
      const caller = await callerOf(presented, isEmbedded);
      // Counted before it is refused: who tries what is not allowed uses up requests too.
      const requests = await allowance.takeRequest(caller);
      if (!caller.scopes.has(scope) && !caller.scopes.has('admin')) {
        const message = `this needs the scope "${scope}", which the key does not have`;
        throw new RunlaneError('FORBIDDEN', message);
      }
      return { caller, requests };
    },
  };
}
