/** How large a message may be, by its method; the server as a whole takes what the largest of them may be. */
import { countFields, MAX_BATCH_BYTES, RunlaneError } from '@runlane/contract';

const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
/** Many more than any batch has, and few enough to be held in memory. */
const MAX_BATCH_VALUES = 100_000;
/** Number of `jobs` in SubmitBatchRequest. */
const JOBS_FIELD = 1;

/**
 * Called before the message is read.
 * @throws RunlaneError `PAYLOAD_TOO_LARGE` · `INVALID_REQUEST`; Error when it is no message at all.
 */
export function checkMessage(method: string, bytes: Uint8Array): void {
  const isBatch = method === 'submitBatch';
  const maxBytes = isBatch ? MAX_BATCH_BYTES : MAX_MESSAGE_BYTES;
  if (bytes.length > maxBytes)
    throw new RunlaneError(
      'PAYLOAD_TOO_LARGE',
      `the message has ${bytes.length} bytes, and at most ${maxBytes} are taken`,
    );
  if (isBatch && countFields(bytes, JOBS_FIELD) > MAX_BATCH_VALUES)
    throw new RunlaneError('INVALID_REQUEST', `the message has more than ${MAX_BATCH_VALUES} values`);
}
