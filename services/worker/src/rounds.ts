/** Going through all that a store lists, again and again, some at a time, from a moving cursor. */
import type { JobId } from '@runlane/core';

/** Visits the next ones; true when the end was reached, and the next call begins anew. */
export type Rounds<T> = (visit: (some: readonly T[]) => Promise<void>) => Promise<boolean>;

/** @param list those after a cursor, at most `limit`. @param atOnce how many are visited in a call. */
export function createRounds<T extends { readonly id: JobId }>(
  list: (after: JobId | undefined, limit: number) => Promise<T[]>,
  atOnce: number,
): Rounds<T> {
  let cursor: JobId | undefined;
  return async (visit) => {
    const some = await list(cursor, atOnce);
    await visit(some);
    const atEnd = some.length < atOnce;
    cursor = atEnd ? undefined : some.at(-1)?.id;
    return atEnd;
  };
}
