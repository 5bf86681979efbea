/** Artifacts as files named by their digest, spread over 256 folders. */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { type ArtifactStore, digestOf } from '../../artifact-store.js';

/** @param folder where the files are kept; made when it is not there. */
export function createFileArtifactStore(folder: string): ArtifactStore {
  const pathOf = (digest: string) => `${folder}/${digest.slice(0, 2)}/${digest}`;
  const touch = (path: string) =>
    utimes(path, new Date(), new Date()).then(
      () => true,
      () => false,
    );

  return {
    async put(bytes) {
      const digest = digestOf(bytes);
      const path = pathOf(digest);
      if (await touch(path)) return digest;
      await mkdir(`${folder}/${digest.slice(0, 2)}`, { recursive: true, mode: 0o700 });
      // A reader sees the whole file or none. It need not survive a power cut: what is missing is prepared again.
      const draft = `${path}.${randomUUID()}.draft`;
      await writeFile(draft, bytes, { mode: 0o600 });
      await rename(draft, path);
      return digest;
    },
    async get(digest) {
      const path = pathOf(digest);
      const bytes = await readFile(path).catch(ignoreMissing);
      if (!bytes) return undefined;
      if (digestOf(bytes) !== digest) {
        // So that the next put makes it whole again.
        await rm(path, { force: true });
        return undefined;
      }
      await touch(path);
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
