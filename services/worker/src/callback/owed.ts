/** Brings back what the queue lost of callbacks: whoever is owed a job's end is called until it is told or given up. */
import type { Owed } from '@runlane/core';
import type { WorkerContext } from '../context.js';
import { createRounds } from '../rounds.js';

const AT_ONCE = 200;

/** What looks at some of what is owed; true when the end was reached and the next call begins anew. */
export function createOwedLook({ store, queue }: Pick<WorkerContext, 'store' | 'queue'>): () => Promise<boolean> {
  const walk = createRounds(store.callbacks.owed, AT_ONCE);

  async function look({ id, state, ownerId }: Owed): Promise<void> {
    if (state === 'settled') await store.callbacks.settle(id);
    if (state === 'due') await queue.add('callback', id, { ownerId });
  }

  return () =>
    walk(async (some) => {
      for (const each of some) await look(each);
    });
}
