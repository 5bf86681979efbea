/** What a client asked for around a job's program. */
import type { NewJob } from '@runlane/contract';
import type { Job } from '@runlane/core';

export function toTerms({
  metadata,
  priority,
  notBefore,
  callbackUrl,
}: NewJob): Pick<Job, 'metadata' | 'priority' | 'notBeforeAtMs' | 'callbackUrl'> {
  return {
    ...(metadata && { metadata }),
    ...(priority && { priority }),
    ...(notBefore !== undefined && { notBeforeAtMs: Date.parse(notBefore) }),
    ...(callbackUrl !== undefined && { callbackUrl }),
  };
}
