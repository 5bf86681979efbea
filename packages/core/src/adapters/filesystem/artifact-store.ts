/** Artifacts as files named by their digest, spread over 256 folders. */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { LRUCache } from 'lru-cache';
import { type ArtifactStore, digestOf } from '../../artifact-store.js';

/** How often it is noted that an artifact is used, in milliseconds: far more often than anything expires. */
const TOUCH_EVERY_MS = 600_000;

/** @param folder where the files are kept; made when it is not there. */
export function createFileArtifactStore(folder: string): ArtifactStore {
  const pathOf = (digest: string) => `${folder}/${digest.slice(0, 2)}/${digest}`;
  /** Touched (or written) lately: no need to again. */
  const fresh = new LRUCache<string, true>({ max: 10_000, ttl: TOUCH_EVERY_MS });

  /** Note that it is used; false when it is not here. */
  async function touch(digest: string): Promise<boolean> {
    if (fresh.has(digest)) return true;
    const now = new Date();
    const here = await utimes(pathOf(digest), now, now).then(
      () => true,
      () => false,
    );
    if (here) fresh.set(digest, true);
    return here;
  }

  return {
    async put(bytes) {
      const digest = digestOf(bytes);
      const path = pathOf(digest);
      if (await touch(digest)) return digest;
      await mkdir(`${folder}/${digest.slice(0, 2)}`, { recursive: true, mode: 0o700 });
      // A reader sees the whole file or none. It need not survive a power cut: what is missing is prepared again.
      const draft = `${path}.${randomUUID()}.draft`;
      await writeFile(draft, bytes, { mode: 0o600 });
      await rename(draft, path);
      fresh.set(digest, true);
      return digest;
    },
    async get(digest) {
      const path = pathOf(digest);
      const bytes = await readFile(path).catch(ignoreMissing);
      if (!bytes) return undefined;
      if (digestOf(bytes) !== digest) {
        // So that the next put makes it whole again.
        await rm(path, { force: true });
        fresh.delete(digest);
        return undefined;
      }
      await touch(digest);
      return bytes;
    },
    async expire(olderThanMs) {
      let removed = 0;
      for (const shard of (await readdir(folder).catch(ignoreMissing)) ?? []) {
        for (const name of (await readdir(`${folder}/${shard}`).catch(ignoreMissing)) ?? []) {
          const path = `${folder}/${shard}/${name}`;
          const { mtimeMs } = (await stat(path).catch(ignoreMissing)) ?? { mtimeMs: Number.POSITIVE_INFINITY };
          if (mtimeMs >= olderThanMs) continue;
          await rm(path, { force: true });
          fresh.delete(name);
          removed += 1;
        }
      }
      return removed;
    },
    close: async () => {},
  };
}

function ignoreMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
  throw error;
}
