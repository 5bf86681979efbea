/** A batch: jobs that were accepted together. Each is a job like any other; what the batch adds is that they are asked for as one. */
import { createHash } from 'node:crypto';
import type { JobId, OwnerId } from './job.js';

/** A lower-case UUIDv7. */
export type BatchId = string;

/** What was accepted. It never changes; which jobs belong to it follows from its id: `batchJobIds`. */
export interface Batch {
  readonly id: BatchId;
  readonly ownerId: OwnerId;
  /** Number of its jobs. */
  readonly total: number;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
}

/**
 * The ids of a batch's jobs, in the order of submission. They follow from its id, so that accepting it again after a crash
 * inserts the same jobs, which is harmless, and nobody has to store a thousand ids.
 * Each is a UUIDv7 of the batch's own time. The 12 bits after the version count the jobs, so that the order of ids is the
 * order of submission; the rest is a digest, so that one job's id does not tell the others'.
 */
export function batchJobIds(id: BatchId, total: number): readonly JobId[] {
  const time = id.slice(0, 'xxxxxxxx-xxxx'.length);
  return Array.from({ length: total }, (_, index) => {
    const digest = createHash('sha256').update(`${id}:${index}`).digest();
    // The variant: the two highest bits are 10.
    digest.writeUInt8(0x80 | (digest.readUInt8(0) & 0x3f), 0);
    const rest = digest.toString('hex');
    return `${time}-7${index.toString(16).padStart(3, '0')}-${rest.slice(0, 4)}-${rest.slice(4, 16)}`;
  });
}
