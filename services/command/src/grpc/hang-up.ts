/**
 * Ends the stream of a call at once. A status would wait behind what is not read, and what is still sent would be kept until its
 * end; grpc-js has no public way to do it.
 */
import type { ServerHttp2Stream } from 'node:http2';

/** An intercepting call wraps the next one; the innermost has the stream. */
interface Inner {
  readonly stream?: ServerHttp2Stream;
  readonly nextCall?: Inner;
}

/** @param call as interceptors are given it. @param code of HTTP/2. */
export function hangUp(call: unknown, code: number): void {
  let inner = call as Inner | undefined;
  while (inner && !inner.stream) inner = inner.nextCall;
  inner?.stream?.close(code);
}
