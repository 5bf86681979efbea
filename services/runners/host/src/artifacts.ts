/**
 * Artifacts that this host holds, by SHA-256, in memory: a cache with a bound. What falls out is uploaded again by
 * whoever needs it; nothing else is kept by a runner.
 */
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';

export const DIGEST = /^[0-9a-f]{64}$/;

export interface Artifacts {
  /** Keep it; its digest. */
  put(bytes: Buffer): string;
  get(digest: string): Buffer | undefined;
  has(digest: string): boolean;
}

export function createArtifacts({ maxBytes }: { maxBytes: number }): Artifacts {
  const held = new LRUCache<string, Buffer>({
    maxSize: maxBytes,
    // The key and the cache's own records count too, or a million tiny artifacts would cost nothing.
    sizeCalculation: (bytes) => bytes.length + 512,
  });
  return {
    put(bytes) {
      const digest = digestOf(bytes);
      held.set(digest, bytes);
      return digest;
    },
    get: (digest) => held.get(digest),
    has: (digest) => held.has(digest),
  };
}

export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
