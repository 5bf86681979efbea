/** Artifacts as files named by their digest, spread over 256 folders. */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LRUCache } from 'lru-cache';
import { type ArtifactStore, digestOf } from '../../artifact-store.js';

/** How often use is noted on disk, in milliseconds: far more often than anything expires. */
const NOTE_EVERY_MS = 600_000;

/** @param folder where the files are kept; made when it is not there. */
export function createFileArtifactStore(folder: string): ArtifactStore {
  const pathOf = (digest: string) => `${folder}/${digest.slice(0, 2)}/${digest}`;
  /** When an artifact was last used here, and when that was last noted on disk, in milliseconds since the epoch. */
  const uses = new LRUCache<string, { usedAtMs: number; readonly notedAtMs: number }>({ max: 10_000 });
  /** Folders whose own names are on disk. */
  const syncedShards = new Set<string>();

  function noteUse(digest: string): void {
    uses.set(digest, { usedAtMs: Date.now(), notedAtMs: Date.now() });
  }

  /** Note that it is used; false when it is not here. */
  async function touch(digest: string): Promise<boolean> {
    const use = uses.get(digest);
    if (use && Date.now() - use.notedAtMs < NOTE_EVERY_MS) {
      use.usedAtMs = Date.now();
      return true;
    }
    const now = new Date();
    const here = await utimes(pathOf(digest), now, now).then(
      () => true,
      () => false,
    );
    if (here) noteUse(digest);
    return here;
  }

  async function write(digest: string, bytes: Uint8Array, flush: boolean): Promise<void> {
    const path = pathOf(digest);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    // A reader sees the whole file or none.
    const draft = `${path}.${randomUUID()}.draft`;
    await writeFile(draft, bytes, { mode: 0o600, flush });
    await rename(draft, path);
    noteUse(digest);
    if (flush) await syncName(dirname(path));
  }

  /** A file's name is in its folder, and that one's in the folder above. */
  async function syncName(shard: string): Promise<void> {
    await sync(shard);
    if (!syncedShards.has(shard)) await sync(folder);
    syncedShards.add(shard);
  }

  return {
    async put(bytes, { durable } = { durable: false }) {
      const digest = digestOf(bytes);
      // To be durable it is written anew: what is here may be half of it, from before a power cut.
      if (durable || !(await touch(digest))) await write(digest, bytes, durable);
      return digest;
    },
    async get(digest) {
      const path = pathOf(digest);
      const bytes = await readFile(path).catch(ignoreMissing);
      if (!bytes) return undefined;
      if (digestOf(bytes) !== digest) {
        // So that the next put makes it whole again.
        await rm(path, { force: true });
        uses.delete(digest);
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
          if (Math.max(mtimeMs, uses.get(name)?.usedAtMs ?? 0) >= olderThanMs) continue;
          await rm(path, { force: true });
          uses.delete(name);
          removed += 1;
        }
      }
      return removed;
    },
    close: async () => {},
  };
}

/** Have a folder's names on disk. */
async function sync(folder: string): Promise<void> {
  const opened = await open(folder);
  await opened.sync().finally(() => opened.close());
}

function ignoreMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
  throw error;
}
