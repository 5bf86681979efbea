/** Whom a door lets in: the same for both of them. */
import { RunlaneError } from '@runlane/contract';
import type { Scope } from '@runlane/core';
import type { Allowance, RequestAllowance } from './allowance.js';
import { ANYBODY, type Caller } from './caller.js';
import type { Keys } from './keys.js';

interface Admitted {
  readonly caller: Caller;
  /** Undefined where requests are not limited. */
  readonly requests?: RequestAllowance | undefined;
}

export interface Auth {
  /** Undefined where there are no keys, and everybody may do everything. */
  readonly keys: Keys | undefined;
  /** @throws RunlaneError `UNAUTHENTICATED` · `FORBIDDEN` · `RATE_LIMITED` */
  admit(presented: string | undefined, scope: Scope): Promise<Admitted>;
}

export function createAuth(keys: Keys | undefined, allowance: Allowance): Auth {
  return {
    keys,
    async admit(presented, scope) {
      if (!keys) return { caller: ANYBODY };
      const caller = await keys.recognize(presented);
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
