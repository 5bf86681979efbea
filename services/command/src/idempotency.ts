/** One idempotency key, one acceptance: the same request again gets what the first one made. */
import { RunlaneError } from '@runlane/contract';
import type { IdempotencyClaim, JobStore, OwnerId } from '@runlane/core';

/** After this, in milliseconds, a key under which nothing was accepted is taken over: its first caller died. */
const TAKE_OVER_AFTER_MS = 10_000;

export interface KeyedRequest<T> {
  readonly ownerId: OwnerId;
  /** Without one, every request is a new one. */
  readonly key: string | undefined;
  /** Of what is asked for; jobs and batches never have the same. */
  readonly bodyDigest: string;
  readonly newId: () => string;
  /** What was accepted under this id, if anything. */
  readonly find: (id: string) => Promise<T | undefined>;
}

export interface IdempotencyKey<T> {
  /** What an earlier request made. */
  readonly made: T | undefined;
  /** The id under which to accept what is asked for; or what another request made meanwhile. */
  reserve(): Promise<{ readonly id: string; readonly made?: undefined } | { readonly made: T }>;
}

/** @throws RunlaneError `IDEMPOTENCY_MISMATCH` · `IDEMPOTENCY_IN_FLIGHT`, from `reserve` too. */
export async function openKey<T>(
  store: Pick<JobStore, 'reservation' | 'reserve'>,
  { ownerId, key, bodyDigest, newId, find }: KeyedRequest<T>,
): Promise<IdempotencyKey<T>> {
  /** Undefined when the first caller died before anything was accepted, so that this one may take the key over. */
  async function replay(claim: IdempotencyClaim): Promise<T | undefined> {
    if (claim.bodyDigest !== bodyDigest) {
      throw new RunlaneError(
        'IDEMPOTENCY_MISMATCH',
        'this Idempotency-Key was used with another request; use a new key for a new request',
      );
    }
    const made = await find(claim.acceptedId);
    if (made || Date.now() - claim.createdAtMs > TAKE_OVER_AFTER_MS) return made;
    throw new RunlaneError(
      'IDEMPOTENCY_IN_FLIGHT',
      'the first request with this Idempotency-Key is still being accepted; try again',
    );
  }

  const earlier = key === undefined ? undefined : await store.reservation(ownerId, key);
  return {
    made: earlier && (await replay(earlier)),
    async reserve() {
      if (earlier) return { id: earlier.acceptedId };
      const id = newId();
      if (key === undefined) return { id };
      const claim = await store.reserve(ownerId, key, { acceptedId: id, bodyDigest, createdAtMs: Date.now() });
      const made = claim.acceptedId === id ? undefined : await replay(claim);
      return made === undefined ? { id: claim.acceptedId } : { made };
    },
  };
}
