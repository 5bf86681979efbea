/** How large a message may be, by its method; the server as a whole takes what the largest of them may be. */
import { countFields, MAX_BATCH_BYTES, RunlaneError, type Within } from '@runlane/contract';

interface MessageLimits {
  readonly sizeBytes: number;
  /** Its fields and those of the messages in it: many more than any request has, and few enough to be held in memory. */
  readonly values?: { readonly most: number; readonly within: Within };
}

const USUAL_BYTES = 4 * 1024 * 1024;
const VALUES_OF_A_JOB = 5_000;
/** Where `Program` holds messages: files, env, limits, metadata, cases (args, limits, comparison), judge (comparison, checker). */
const PROGRAM: Within = {
  4: {},
  8: {},
  9: { 11: {} },
  10: {},
  20: { 3: {}, 5: {}, 6: {} },
  21: { 1: {}, 2: { 4: {}, 6: {} } },
};
/** `program` of SubmitRequest and RunRequest, `jobs` of SubmitBatchRequest. */
const SUBMISSION: Within = { 1: PROGRAM };
const LIMITS: Readonly<Record<string, MessageLimits>> = {
  submit: { sizeBytes: USUAL_BYTES, values: { most: VALUES_OF_A_JOB, within: SUBMISSION } },
  run: { sizeBytes: USUAL_BYTES, values: { most: VALUES_OF_A_JOB, within: SUBMISSION } },
  // `submit` of AttachRequest.
  attach: { sizeBytes: USUAL_BYTES, values: { most: VALUES_OF_A_JOB, within: { 2: SUBMISSION } } },
  submitBatch: { sizeBytes: MAX_BATCH_BYTES, values: { most: 100_000, within: SUBMISSION } },
};

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
  if (values && countFields(bytes, values.within, values.most) > values.most)
    throw new RunlaneError('INVALID_REQUEST', `the message has more than ${values.most} values`);
}
