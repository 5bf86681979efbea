/** Who calls, and what they may do: what a door finds out before it does anything. */
import { ANONYMOUS, type KeyLimits, type OwnerId, SCOPES, type Scope, type TracePlace } from '@runlane/core';

export interface Caller {
  readonly ownerId: OwnerId;
  /** Requests are counted by this. */
  readonly keyId: string;
  readonly scopes: ReadonlySet<Scope>;
  readonly limits: KeyLimits;
  /**
   * Of a page, without a key: may not have this server call anybody, as what it signs would come from somebody unknown, nor put
   * jobs off, which all readers together may only have few of; and is not believed where its trace is.
   */
  readonly isReader?: true;
  /** Where the client's own trace is, as it says. */
  readonly trace?: TracePlace;
}

const EVERYTHING: ReadonlySet<Scope> = new Set(SCOPES);

/** Whoever calls where there are no keys. */
export const ANYBODY: Caller = { ownerId: ANONYMOUS, keyId: ANONYMOUS, scopes: EVERYTHING, limits: {} };

const EMBED = 'embed';

/** Readers of pages that `EMBED_ORIGINS` lists, all together: no page can keep a key from those who read it. */
export const embedded = (limits: KeyLimits): Caller => ({
  ownerId: EMBED,
  keyId: EMBED,
  scopes: new Set<Scope>(['submit', 'read']),
  limits,
  isReader: true,
});

const ADMIN = 'admin';

/** Whoever has the key of the configuration. */
export const OPERATOR: Caller = { ownerId: ADMIN, keyId: ADMIN, scopes: EVERYTHING, limits: {} };

/** Owners that a key cannot be made for: they are somebody already. */
export const RESERVED_OWNERS: ReadonlySet<OwnerId> = new Set([ANONYMOUS, EMBED, ADMIN]);

/** @param trace the header `traceparent` of the request. */
export const withTrace = (caller: Caller, trace: TracePlace | undefined): Caller =>
  trace === undefined || caller.isReader ? caller : { ...caller, trace };
