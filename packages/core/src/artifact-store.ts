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
  /** On disk before this resolves: for what cannot be made again. */
  readonly durable: boolean;
}

export interface ArtifactStore {
  /** Keep bytes; the same bytes again change nothing. Resolves when any reader finds them. */
  put(bytes: Uint8Array, options?: PutOptions): Promise<Digest>;
  /** The bytes, checked against the digest; undefined when they are not here, or are damaged. */
  get(digest: Digest): Promise<Uint8Array | undefined>;
  /** Remove what was last put or got before this time, in milliseconds since the epoch; the number removed. */
  expire(olderThanMs: number): Promise<number>;
  close(): Promise<void>;
}
