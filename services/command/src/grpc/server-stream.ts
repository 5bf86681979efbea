/** How gRPC calls are answered: promises for unary calls, async iterables for streams, errors by the one table. */
import { once } from 'node:events';
import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { ERRORS, RunlaneError } from '@runlane/contract';
import type { Log } from '@runlane/core';

export function unary<I, O>(answer: (request: I) => Promise<O>, log: Log): handleUnaryCall<I, O> {
  return (call: ServerUnaryCall<I, O>, callback: sendUnaryData<O>) => {
    answer(call.request).then(
      (response) => callback(null, response),
      (reason: unknown) => callback(toServiceError(reason, log)),
    );
  };
}

/** The producer's signal aborts when the caller goes away. */
export function serverStream<I, O>(
  produce: (request: I, signal: AbortSignal) => AsyncIterable<O>,
  log: Log,
): handleServerStreamingCall<I, O> {
  return (call: ServerWritableStream<I, O>) => {
    const gone = new AbortController();
    call.once('cancelled', () => gone.abort('the caller went away'));
    void send(call, produce(call.request, gone.signal), gone.signal, log);
  };
}

async function send<I, O>(
  call: ServerWritableStream<I, O>,
  messages: AsyncIterable<O>,
  signal: AbortSignal,
  log: Log,
): Promise<void> {
  try {
    for await (const message of messages) {
      // false: the caller is slow. Wait, or a runaway program's output fills our memory instead.
      if (!call.write(message)) await once(call, 'drain', { signal });
    }
    call.end();
  } catch (reason) {
    if (!signal.aborted) call.emit('error', toServiceError(reason, log));
  }
}

/** The stable code travels as metadata `runlane-code`; a time after which to retry as `retry-after`, in seconds. */
function toServiceError(reason: unknown, log: Log): Partial<ServiceError> {
  const error = RunlaneError.from(reason);
  if (error.code === 'INTERNAL') log.error({ err: error.cause ?? error }, 'call failed');
  const metadata = new Metadata();
  metadata.set('runlane-code', error.code);
  if (error.retryAfterSeconds !== undefined) metadata.set('retry-after', String(error.retryAfterSeconds));
  return { code: ERRORS[error.code].grpc, details: error.message, metadata };
}
