/** An artifact's bytes on their way out: in pieces, of which a reader who waits holds few, and checked on the way. */
import { createHash } from 'node:crypto';
import type { Digest } from './artifact-store.js';

/** The largest piece, in bytes. */
export const PIECE_BYTES = 64 * 1024;

/** What is kept does not fit its digest, or a part of it is missing. */
export class DamagedError extends Error {
  override readonly name = 'DamagedError';

  constructor(digest: Digest) {
    super(`the artifact ${digest} is damaged`);
  }
}

/**
 * The bytes in pieces, the last of them only when all fit the digest.
 * @param onDamage called before the error is thrown.
 * @throws DamagedError
 */
export async function* checkedPieces(
  digest: Digest,
  chunks: AsyncIterable<Uint8Array>,
  onDamage: () => Promise<void>,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let last: Uint8Array | undefined;
  for await (const piece of cut(chunks)) {
    hash.update(piece);
    if (last) yield last;
    last = piece;
  }
  if (hash.digest('hex') !== digest) {
    await onDamage();
    throw new DamagedError(digest);
  }
  if (last) yield last;
}

async function* cut(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks)
    for (let at = 0; at < chunk.length; at += PIECE_BYTES) yield chunk.subarray(at, at + PIECE_BYTES);
}
