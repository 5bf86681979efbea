/** Brings back what the queue lost of callbacks: whoever is owed a job's end is called until it is told or given up. */
import type { JobId, Owed } from '@runlane/core';
import type { WorkerContext } from '../context.js';

const AT_ONCE = 200;

/** What looks at some of what is owed; true when the end was reached and the next call begins anew. */
export function createOwedLook({ store, queue }: Pick<WorkerContext, 'store' | 'queue'>): () => Promise<boolean> {
  let cursor: JobId | undefined;

  async function look({ id, state }: Owed): Promise<void> {
    if (state === 'settled') await store.callbacks.settle(id);
    if (state === 'due') await queue.add('callback', id);
  }

  return async () => {
    const owed = await store.callbacks.owed(cursor, AT_ONCE);
    for (const each of owed) await look(each);
    const atEnd = owed.length < AT_ONCE;
    cursor = atEnd ? undefined : owed.at(-1)?.id;
    return atEnd;
  };
}
