/** How large a message may be, by its method; the server as a whole takes what the largest of them may be. */
import { countFields, MAX_BATCH_BYTES, RunlaneError } from '@runlane/contract';

interface MessageLimits {
  readonly sizeBytes: number;
  /** Its fields and those of its programs: many more than any request has, and few enough to be held in memory. */
  readonly values?: number;
}

const USUAL_BYTES = 4 * 1024 * 1024;
const LIMITS: Readonly<Record<string, MessageLimits>> = {
  submit: { sizeBytes: USUAL_BYTES, values: 5_000 },
  run: { sizeBytes: USUAL_BYTES, values: 5_000 },
  submitBatch: { sizeBytes: MAX_BATCH_BYTES, values: 100_000 },
};
/** Number of the field that holds programs: `program` of SubmitRequest and RunRequest, `jobs` of SubmitBatchRequest. */
const PROGRAM_FIELD = 1;

/**
 * Called before the message is read.
 * @throws RunlaneError `PAYLOAD_TOO_LARGE` · `INVALID_REQUEST`; Error when it is no message at all.
 */
export function checkMessage(method: string, bytes: Uint8Array): void {
  const { sizeBytes, values } = LIMITS[method] ?? { sizeBytes: USUAL_BYTES };
  if (bytes.length > sizeBytes) {
    const message = `the message has ${bytes.length} bytes, and at most ${sizeBytes} are taken`;
    throw new RunlaneError('PAYLOAD_TOO_LARGE', message);
  }
  if (values !== undefined && countFields(bytes, PROGRAM_FIELD, values) > values)
    throw new RunlaneError('INVALID_REQUEST', `the message has more than ${values} values`);
}
