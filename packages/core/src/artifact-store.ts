/**
 * Bytes by their SHA-256: source bundles, what compilers made of them, and the files that programs left.
 * What every adapter promises is stated as tests in `artifact-store.contract.ts`.
 */
import { createHash } from 'node:crypto';

/** Lower-case hexadecimal SHA-256. */
export type Digest = string;

export function digestOf(bytes: Uint8Array): Digest {
  return createHash('sha256').update(bytes).digest('hex');
}

export interface PutOptions {
  /** On disk before this resolves, and the last to be evicted: for what cannot be made again. */
  readonly durable: boolean;
}

/** An artifact on its way out. */
export interface OpenArtifact {
  readonly sizeBytes: number;
  /**
   * The bytes, in pieces of at most `PIECE_BYTES`, read from where they are kept as they are taken. The last piece comes only
   * when all of them fit the digest, so damaged bytes never arrive whole. To be iterated once.
   * @throws DamagedError in the place of the last piece.
   */
  readonly pieces: AsyncIterable<Uint8Array>;
}

export interface ArtifactStore {
  /** Keep bytes; the same bytes again change nothing. Resolves when any reader finds them. */
  put(bytes: Uint8Array, options?: PutOptions): Promise<Digest>;
  /** The bytes, checked against the digest; undefined when they are not here, or are damaged. */
  get(digest: Digest): Promise<Uint8Array | undefined>;
  /** The same without having all of it in memory at once; whether it is damaged shows only at its end. */
  open(digest: Digest): Promise<OpenArtifact | undefined>;
  /** Note that it is used; false when it is not here. */
  touch(digest: Digest): Promise<boolean>;
  /** Remove what was last used (put, got, opened, touched) before this time, in milliseconds since the epoch; the number removed. */
  expire(olderThanMs: number): Promise<number>;
  /**
   * Remove what was used least recently until the rest takes at most this much (`sizeOnDisk` of each); the number removed. What was
   * put as durable goes only when nothing else is left.
   */
  evict(maxBytes: number): Promise<number>;
  close(): Promise<void>;
}
