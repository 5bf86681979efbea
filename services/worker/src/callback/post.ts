/** One POST over a connection of its own, to one of the addresses that were checked, and to no other. */
import { type ClientRequest, type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type LookupFunction, type Socket, type TcpSocketConnectOpts } from 'node:net';
import type { DeliveryError } from '@runlane/contract';
import { readRetryAfter } from './schedule.js';

/** What a receiver answered, or why it did not. */
export interface Answer {
  readonly statusCode?: number;
  readonly error?: DeliveryError;
  readonly retryAfterMs?: number;
}

export interface Post {
  readonly url: URL;
  /** Of its host: all that may be connected to. */
  readonly addresses: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Aborts when there is no more time; its reason is what is answered then. */
  readonly signal: AbortSignal;
}

/** Longest time to connect, the handshake of TLS included, in milliseconds. */
const CONNECT_WITHIN_MS = 5_000;
/** How long one of several addresses is waited for before the next is tried too, in milliseconds. */
const NEXT_ADDRESS_AFTER_MS = 1_500;
/** Bytes of the answer that are read; they are dropped. */
const MOST_ANSWER_BYTES = 16 * 1024;

/** Never rejects. Redirects are not followed: that one was tried is the answer. */
export function post({ url, addresses, headers, body, signal }: Post): Promise<Answer> {
  const isSecure = url.protocol === 'https:';
  // The one for several addresses is passed on to the socket, which its type does not say.
  const options: RequestOptions & Pick<TcpSocketConnectOpts, 'autoSelectFamilyAttemptTimeout'> = {
    method: 'POST',
    headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
    // No connection is kept: the next call looks at addresses again.
    agent: false,
    lookup: answerWith(addresses),
    autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_AFTER_MS,
    signal,
  };
  const request = (isSecure ? requestHttps : requestHttp)(url, options);
  let answer: Answer | undefined;
  let error: DeliveryError = 'not_connected';
  const connecting = setTimeout(() => {
    answer = { error: 'timed_out' };
    request.destroy();
  }, CONNECT_WITHIN_MS);
  request.once('socket', (socket: Socket) => {
    socket.once('connect', () => {
      error = isSecure ? 'tls_failed' : 'broken_off';
    });
    socket.once(isSecure ? 'secureConnect' : 'connect', () => {
      error = 'broken_off';
      clearTimeout(connecting);
    });
  });
  request.once('response', (response) => {
    answer = answerOf(response);
    dropBody(request, response);
  });
  // It is followed by `close`, which comes however this ends, and only once the connection is gone.
  request.on('error', () => {});
  const answered = new Promise<Answer>((resolve) => {
    request.once('close', () => {
      clearTimeout(connecting);
      resolve(answer ?? { error: signal.aborted ? (signal.reason as DeliveryError) : error });
    });
  });
  request.end(body);
  return answered;
}

function answerOf({ statusCode = 0, headers }: IncomingMessage): Answer {
  const retryAfterMs = readRetryAfter(headers['retry-after'], Date.now());
  return { statusCode, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}

/** The status alone counts. Reading some of the rest lets receivers end in order; one that says more, or nothing more, is cut off. */
function dropBody(request: ClientRequest, response: IncomingMessage): void {
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MOST_ANSWER_BYTES) request.destroy();
  });
  response.on('error', () => {});
}

/** What was looked up and checked is what is connected to; a second look could bring something else. */
function answerWith(addresses: readonly string[]): LookupFunction {
  const found = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_name, { all }, callback) => {
    const [first] = found;
    if (all) callback(null, found);
    else callback(null, first?.address ?? '', first?.family);
  };
}
