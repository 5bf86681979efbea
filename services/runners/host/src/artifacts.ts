/**
 * Artifacts that this host holds, by SHA-256, in memory: a cache with a bound. What falls out is uploaded again by
 * whoever needs it; nothing else is kept by a runner.
 */
import { createHash } from 'node:crypto';
import type { runner } from '@runlane/contract';
import { LRUCache } from 'lru-cache';
import { readBundle } from './check.js';
import { BUILD_FOLDER } from './command.js';

export const DIGEST = /^[0-9a-f]{64}$/;

export interface Artifacts {
  /** Keep it; its digest. */
  put(bytes: Buffer): string;
  get(digest: string): Buffer | undefined;
  /** Its files, read and checked once for all runs. @throws Refusal where it is no artifact. */
  files(digest: string): readonly ArtifactFile[] | undefined;
  has(digest: string): boolean;
}

interface ArtifactFile extends runner.BundleFile {
  /** Of its content, where it was compiled: see `RunFile`. What a client sends may be another with each program. */
  readonly name?: string;
}

interface Held {
  readonly bytes: Buffer;
  readonly files?: readonly ArtifactFile[];
}

/** The largest artifact for which a cache of so many bytes has room: its bytes, and its files beside them. */
export function largestArtifactBytes(cacheBytes: number): number {
  return Math.floor((cacheBytes - RECORD_BYTES) / 2);
}

/** Keys and records, of the cache and of files, count too, or a million tiny ones would cost nothing. */
const RECORD_BYTES = 512;

export function createArtifacts({ maxBytes }: { maxBytes: number }): Artifacts {
  const held = new LRUCache<string, Held>({
    maxSize: maxBytes,
    sizeCalculation: ({ bytes, files = [] }) => 2 * bytes.length + (1 + files.length) * RECORD_BYTES,
  });
  return {
    put(bytes) {
      const digest = digestOf(bytes);
      held.set(digest, { bytes });
      return digest;
    },
    get: (digest) => held.get(digest)?.bytes,
    files(digest) {
      const found = held.get(digest);
      if (!found || found.files) return found?.files;
      const files = readBundle(found.bytes, 'artifact').map((file, index) =>
        file.path.startsWith(`${BUILD_FOLDER}/`) ? { ...file, name: `${digest}-${index}` } : file,
      );
      held.set(digest, { ...found, files });
      return files;
    },
    has: (digest) => held.has(digest),
  };
}

export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
