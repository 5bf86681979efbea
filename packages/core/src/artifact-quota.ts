/**
 * An artifact store with a bound. All of it is looked at only now and then, so less than the bound is aimed at: what is put
 * between two looks fits in between. Every process that puts looks by itself; what others put, it sees when it looks.
 */
import { sizeOnDisk } from './artifact-eviction.js';
import type { ArtifactStore } from './artifact-store.js';
import type { Log } from './log.js';

/** Of the bound: how much is left after a look, and how much is put until the next. Two steps fit, as a look takes its time. */
const AIM = 0.9;
const STEP = 0.05;

/** @param maxBytes all that the artifacts may take (`sizeOnDisk`); puts wait while the store does not keep up with it. */
export function withQuota(store: ArtifactStore, { maxBytes, log }: { maxBytes: number; log: Log }): ArtifactStore {
  let putBytes = 0;
  let looking: Promise<number> | undefined;

  function look(): Promise<number> {
    putBytes = 0;
    looking ??= store
      .evict(Math.floor(maxBytes * AIM))
      .catch((error) => {
        log.warn({ reason: error.message }, 'could not look how much the artifacts take; at the next one');
        return 0;
      })
      .finally(() => {
        looking = undefined;
      });
    return looking;
  }

  return {
    ...store,
    async put(bytes, options) {
      const digest = await store.put(bytes, options);
      putBytes += sizeOnDisk(bytes.length);
      if (putBytes >= maxBytes * STEP) {
        await looking;
        void look();
      }
      return digest;
    },
    expire: async (olderThanMs) => (await store.expire(olderThanMs)) + (await look()),
  };
}
