/**
 * Which artifacts go when a store is full: the least recently used, what can be made again first. Found by going over all of
 * them, as neither a folder nor every server has them in that order, with a bounded number in memory.
 */
import type { Digest } from './artifact-store.js';

/** An artifact as its store lists it. */
export interface Listed {
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly usedAtMs: number;
  /** It cannot be made again. */
  readonly durable: boolean;
}

/** How many are chosen each time that all are gone over. */
const CHOSEN_AT_ONCE = 20_000;
const BLOCK_BYTES = 4_096;

/** What an artifact takes, in bytes: whole blocks of a disk, or a million tiny ones would cost nothing. */
export function sizeOnDisk(sizeBytes: number): number {
  return Math.max(Math.ceil(sizeBytes / BLOCK_BYTES), 1) * BLOCK_BYTES;
}

/**
 * Remove until the rest takes at most `maxBytes`; the number removed.
 * @param remove may pass over one that was used meanwhile.
 */
export async function evictFrom(
  list: () => AsyncIterable<Listed>,
  remove: (artifact: Listed) => Promise<void>,
  maxBytes: number,
): Promise<number> {
  let removed = 0;
  for (;;) {
    let { totalBytes, first } = await firstToGo(list());
    if (totalBytes <= maxBytes) return removed;
    for (const artifact of first) {
      await remove(artifact);
      removed += 1;
      totalBytes -= sizeOnDisk(artifact.sizeBytes);
      if (totalBytes <= maxBytes) return removed;
    }
  }
}

async function firstToGo(all: AsyncIterable<Listed>): Promise<{ totalBytes: number; first: Listed[] }> {
  let totalBytes = 0;
  let first: Listed[] = [];
  for await (const artifact of all) {
    totalBytes += sizeOnDisk(artifact.sizeBytes);
    first.push(artifact);
    if (first.length === 2 * CHOSEN_AT_ONCE) first = inOrder(first).slice(0, CHOSEN_AT_ONCE);
  }
  return { totalBytes, first: inOrder(first).slice(0, CHOSEN_AT_ONCE) };
}

function inOrder(artifacts: Listed[]): Listed[] {
  return artifacts.sort((a, b) => Number(a.durable) - Number(b.durable) || a.usedAtMs - b.usedAtMs);
}
