/** How gRPC calls are answered: promises for unary calls, async iterables for streams, errors by the one table. */
import { once } from 'node:events';
import { constants } from 'node:http2';
import {
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { RunlaneError } from '@runlane/contract';
import type { Log } from '@runlane/core';
import type { Caller } from '../auth/caller.js';
import { invalidRequest } from '../validate.js';
import { toServiceError } from './error-status.js';
import { hangUp } from './hang-up.js';
import { checkMessage } from './message-limits.js';

/** A message that was not read: too large, a number that JavaScript does not count to, bytes that are no message. */
class Unreadable {
  constructor(readonly reason: unknown) {}
}

/** A service whose callers hear what is wrong, not INTERNAL, when their message cannot be read. */
export function tolerant<S extends ServiceDefinition>(service: S): S {
  const methods = Object.entries(service).map(([name, method]) => {
    const requestDeserialize = (bytes: Buffer): unknown => {
      try {
        checkMessage(name, bytes);
        return method.requestDeserialize(bytes);
      } catch (error) {
        return new Unreadable(error);
      }
    };
    return [name, { ...method, requestDeserialize }];
  });
  return Object.fromEntries(methods) as S;
}

function readable<I>(request: I): I {
  if (!(request instanceof Unreadable)) return request;
  const { reason } = request;
  if (reason instanceof RunlaneError) throw reason;
  throw invalidRequest([{ field: '', reason: `the message cannot be read: ${(reason as Error).message}` }]);
}

/** What every call needs to be answered. */
export interface Serving {
  readonly callerOf: (call: ServerUnaryCall<unknown, unknown> | Answered<unknown, unknown>) => Caller;
  /** It was answered, with this code of gRPC. */
  readonly called: (path: string, code: string, tookMs: number) => void;
  readonly log: Log;
  /** Aborts when the server stops. */
  readonly closing: AbortSignal;
}

export function unary<I, O>(
  answer: (request: I, caller: Caller) => Promise<O>,
  { callerOf, called, log }: Serving,
): handleUnaryCall<I, O> {
  return async (call: ServerUnaryCall<I, O>, callback: sendUnaryData<O>) => {
    const startMs = performance.now();
    const done: sendUnaryData<O> = (error, value) => {
      called(call.getPath(), status[error?.code ?? status.OK], performance.now() - startMs);
      callback(error, value);
    };
    try {
      done(null, await answer(readable(call.request), callerOf(call)));
    } catch (reason) {
      done(toServiceError(reason, log));
    }
  };
}

/**
 * The producer's signal aborts when the caller goes away, or the server stops (`closing`).
 * @param takeWithinMs the next message is made only when the last one was taken, and a caller who takes longer for one than
 * this, in milliseconds, is cut off; unset: a few wait for the caller, and nobody is cut off.
 */
export function serverStream<I, O>(
  produce: (request: I, caller: Caller, signal: AbortSignal) => AsyncIterable<O>,
  serving: Serving,
  takeWithinMs?: number,
): handleServerStreamingCall<I, O> {
  return (call: ServerWritableStream<I, O>) =>
    answer(call, {
      produce: (caller, signal) => produce(readable(call.request), caller, signal),
      serving,
      takeWithinMs,
    });
}

/**
 * The same where requests come in a stream too. They are read no faster than they are taken.
 * @param stopping what the caller is told when the server stops.
 */
export function duplexStream<I, O>(
  produce: (requests: AsyncIterator<I, undefined>, caller: Caller, signal: AbortSignal) => AsyncIterable<O>,
  serving: Serving,
  stopping: RunlaneError,
): handleBidiStreamingCall<I, O> {
  return (call: ServerDuplexStream<I, O>) => {
    const requests: AsyncIterator<I, undefined> = call[Symbol.asyncIterator]();
    const next = async (): Promise<IteratorResult<I, undefined>> => {
      const { done, value } = await requests.next();
      return done ? { done, value: undefined } : { value: readable(value) };
    };
    // Without `return`: ending the iterator of a call would destroy the call.
    return answer(call, { produce: (caller, signal) => produce({ next }, caller, signal), serving, stopping });
  };
}

type Answered<I, O> = ServerWritableStream<I, O> | ServerDuplexStream<I, O>;

interface Answering<O> {
  readonly produce: (caller: Caller, signal: AbortSignal) => AsyncIterable<O>;
  readonly serving: Serving;
  readonly takeWithinMs?: number | undefined;
  readonly stopping?: RunlaneError;
}

async function answer<I, O>(
  call: Answered<I, O>,
  { produce, serving, takeWithinMs, stopping }: Answering<O>,
): Promise<void> {
  const { callerOf, log, closing } = serving;
  const stopped = () => call.emit('error', stopping ? toServiceError(stopping, log) : STOPPING);
  const gone = new AbortController();
  const abort = () => gone.abort('nobody listens any more');
  call.once('cancelled', abort);
  if (closing.aborted) abort();
  closing.addEventListener('abort', abort, { once: true });
  try {
    for await (const message of produce(callerOf(call), gone.signal)) {
      if (takeWithinMs !== undefined) await taken(call, message, takeWithinMs, gone.signal);
      // false: the caller is slow. Wait, or a runaway program's output fills our memory instead.
      else if (!call.write(message)) await once(call, 'drain', { signal: gone.signal });
    }
    if (!gone.signal.aborted) call.end();
    else if (closing.aborted) stopped();
  } catch (reason) {
    if (closing.aborted) stopped();
    else if (!gone.signal.aborted) call.emit('error', toServiceError(reason, log));
  } finally {
    closing.removeEventListener('abort', abort);
  }
}

/** Resolves when the connection has taken the message; rejects when the caller goes away, or is cut off for being slow. */
function taken<I, O>(call: Answered<I, O>, message: O, withinMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const slow = setTimeout(() => reset(call), withinMs);
    const gone = () => {
      clearTimeout(slow);
      reject(signal.reason);
    };
    signal.addEventListener('abort', gone, { once: true });
    call.write(message, () => {
      clearTimeout(slow);
      signal.removeEventListener('abort', gone);
      resolve();
    });
  });
}

/** End a call whose caller reads nothing, with all that is held for it. */
function reset<I, O>(call: Answered<I, O>): void {
  hangUp((call as unknown as { readonly call: unknown }).call, constants.NGHTTP2_CANCEL);
}

/** Not the end of the job: the caller can go on, here again or elsewhere. */
const STOPPING = { code: status.UNAVAILABLE, details: 'the server stops; call again, a watch after its last event' };
