/** `Attach`: requests as input for a program, checked by the schema that REST's messages are checked by. */
import { once } from 'node:events';
import { type AttachMessage, attachMessageSchema, type execution, MAX_INPUT_BYTES } from '@runlane/contract';
import type { JobInput } from '@runlane/core';
import { invalidRequest, validate } from '../validate.js';

type Requests = AsyncIterator<execution.AttachRequest, undefined>;
type Message = NonNullable<execution.AttachRequest['message']>;

/** For how long the first request is waited for, in milliseconds. */
const FIRST_WITHIN_MS = 10_000;

/** The first request. @throws RunlaneError `INVALID_REQUEST` */
export async function readFirst(
  requests: Requests,
  signal: AbortSignal,
): Promise<Extract<Message, { $case: 'jobId' | 'submit' }>> {
  const enough = AbortSignal.any([signal, AbortSignal.timeout(FIRST_WITHIN_MS)]);
  const late = once(enough, 'abort').then((): never => {
    signal.throwIfAborted();
    throw invalidRequest([
      { field: 'message', reason: `the first must come within ${FIRST_WITHIN_MS / 1_000} seconds` },
    ]);
  });
  const { value } = await Promise.race([requests.next(), late]);
  const message = value?.message;
  if (message?.$case === 'jobId' || message?.$case === 'submit') return message;
  throw invalidRequest([{ field: 'message', reason: 'the first must be job_id or submit' }]);
}

/** What comes after it, as input; the end of the requests is the end of standard input. */
export async function* readInputs(requests: Requests): AsyncGenerator<JobInput> {
  for (;;) {
    const { done, value } = await requests.next();
    if (done) break;
    yield toInput(value.message);
  }
  yield { type: 'close_stdin' };
}

function toInput(message: Message | undefined): JobInput {
  switch (message?.$case) {
    case 'stdin':
      if (message.value.length <= MAX_INPUT_BYTES) return { type: 'stdin', data: message.value };
      throw invalidRequest([{ field: 'stdin', reason: `must be at most ${MAX_INPUT_BYTES} bytes a message` }]);
    case 'closeStdin':
      return { type: 'close_stdin' };
    case 'signal':
      return checked({ type: 'signal', ...message.value }, 'signal');
    case 'resize':
      return checked({ type: 'resize', ...message.value }, 'resize');
    default: {
      const reason = 'after the first must be stdin, close_stdin, signal or resize';
      throw invalidRequest([{ field: 'message', reason }]);
    }
  }
}

function checked(message: object, name: string): Exclude<AttachMessage, { type: 'stdin' }> {
  return validate(attachMessageSchema, message, name) as Exclude<AttachMessage, { type: 'stdin' }>;
}
