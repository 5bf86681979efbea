/**
 * Artifacts as files named by their digest, spread over 256 folders. Only one process may remove from a folder: it knows
 * what it is using itself. A file that may not be written is one that cannot be made again.
 */
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LRUCache } from 'lru-cache';
import { evictFrom, type Listed } from '../../artifact-eviction.js';
import { checkedPieces, PIECE_BYTES } from '../../artifact-pieces.js';
import { type ArtifactStore, digestOf } from '../../artifact-store.js';

/** How often use is noted on disk, in milliseconds: far more often than anything expires. */
const NOTE_EVERY_MS = 600_000;
/** What ends so is being written. */
export const DRAFT = '.draft';
const MODE = 0o600;
const MODE_OF_DURABLE = 0o400;

/** @param folder where the files are kept; made when it is not there. */
export function createFileArtifactStore(folder: string): ArtifactStore {
  const pathOf = (digest: string) => `${folder}/${digest.slice(0, 2)}/${digest}`;
  /** When an artifact was last used here, and when that was last noted on disk, in milliseconds since the epoch. */
  const uses = new LRUCache<string, { usedAtMs: number; readonly notedAtMs: number }>({ max: 10_000 });
  /** What is being removed: whoever wants to keep it waits, and then sees that it is gone. */
  const removing = new Map<string, Promise<void>>();
  /** Folders whose own names are on disk. */
  const syncedShards = new Set<string>();

  function noteUse(digest: string): void {
    uses.set(digest, { usedAtMs: Date.now(), notedAtMs: Date.now() });
  }

  /** Note that it is used; false when it is not here. */
  async function touch(digest: string): Promise<boolean> {
    await removing.get(digest);
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

  async function write(digest: string, bytes: Uint8Array, durable: boolean): Promise<void> {
    await removing.get(digest);
    // Used, though not there yet: what is there of it already must not be removed now.
    uses.set(digest, { usedAtMs: Date.now(), notedAtMs: 0 });
    const path = pathOf(digest);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    // A reader sees the whole file or none.
    const draft = `${path}.${randomUUID()}${DRAFT}`;
    await writeFile(draft, bytes, { mode: durable ? MODE_OF_DURABLE : MODE, flush: durable });
    await rename(draft, path);
    noteUse(digest);
    if (durable) await syncName(dirname(path));
  }

  /** A file's name is in its folder, and that one's in the folder above. */
  async function syncName(shard: string): Promise<void> {
    await sync(shard);
    if (!syncedShards.has(shard)) await sync(folder);
    syncedShards.add(shard);
  }

  /** Everything in the folders, whole artifacts and drafts. */
  async function* list(): AsyncGenerator<Listed> {
    for (const shard of (await readdir(folder).catch(ignoreMissing)) ?? []) {
      for (const name of (await readdir(`${folder}/${shard}`).catch(ignoreMissing)) ?? []) {
        const found = await stat(`${folder}/${shard}/${name}`).catch(ignoreMissing);
        if (!found) continue;
        const usedAtMs = Math.max(found.mtimeMs, uses.get(name)?.usedAtMs ?? 0);
        yield { digest: name, sizeBytes: found.size, usedAtMs, durable: (found.mode & 0o200) === 0 };
      }
    }
  }

  /** Remove it, unless it was used after a time. */
  async function remove(digest: string, usedAtMs: number): Promise<void> {
    if ((uses.get(digest)?.usedAtMs ?? 0) > usedAtMs) return;
    uses.delete(digest);
    const removal = rm(pathOf(digest), { force: true }).finally(() => removing.delete(digest));
    removing.set(digest, removal);
    await removal;
  }

  return {
    touch,
    async put(bytes, { durable } = { durable: false }) {
      const digest = digestOf(bytes);
      // To be durable it is written anew: what is here may be half of it, from before a power cut.
      if (durable || !(await touch(digest))) await write(digest, bytes, durable);
      return digest;
    },
    async get(digest) {
      const readAtMs = Date.now();
      const bytes = await readFile(pathOf(digest)).catch(ignoreMissing);
      if (bytes && digestOf(bytes) === digest) {
        await touch(digest);
        return bytes;
      }
      // So that the next put makes it whole again.
      if (bytes) await remove(digest, readAtMs);
      else uses.delete(digest);
      return undefined;
    },
    async open(digest) {
      const found = await stat(pathOf(digest)).catch(ignoreMissing);
      if (!found || !(await touch(digest))) return undefined;
      const openedAtMs = Date.now();
      return {
        sizeBytes: found.size,
        pieces: checkedPieces(digest, chunksOf(pathOf(digest)), () => remove(digest, openedAtMs)),
      };
    },
    async expire(olderThanMs) {
      let removed = 0;
      for await (const { digest, usedAtMs } of list()) {
        if (usedAtMs >= olderThanMs) continue;
        await remove(digest, usedAtMs);
        removed += 1;
      }
      return removed;
    },
    async evict(maxBytes) {
      const all = () => withoutDrafts(list());
      return evictFrom(all, ({ digest, usedAtMs }) => remove(digest, usedAtMs), maxBytes);
    },
    close: async () => {},
  };
}

/** A draft is being written, or it is what a crash left and goes with its time. */
async function* withoutDrafts(all: AsyncIterable<Listed>): AsyncGenerator<Listed> {
  for await (const artifact of all) if (!artifact.digest.endsWith(DRAFT)) yield artifact;
}

/** Of a file that is gone by now, nothing. */
async function* chunksOf(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path, { highWaterMark: PIECE_BYTES });
  } catch (error) {
    ignoreMissing(error);
  }
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
