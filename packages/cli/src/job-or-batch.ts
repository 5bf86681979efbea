/** Ids of jobs and batches look alike, so that callers need not say which it is. */
import { RunlaneError } from '@runlane/client';

/** @throws RunlaneError `JOB_NOT_FOUND` where it is neither. */
export async function orBatch<J, B>(ofJob: () => Promise<J>, ofBatch: () => Promise<B>): Promise<J | B> {
  try {
    return await ofJob();
  } catch (error) {
    if (!isCode(error, 'JOB_NOT_FOUND')) throw error;
    return ofBatch().catch((second) => {
      throw isCode(second, 'BATCH_NOT_FOUND') ? error : second;
    });
  }
}

const isCode = (error: unknown, code: string) => error instanceof RunlaneError && error.code === code;
