/**
 * Server-sent events. By hand, as a slow reader has to hold the producer back: what is not read is not produced,
 * so that a watcher costs no more memory than one event.
 */
import { once } from 'node:events';
import type { Response } from 'express';

/** An event as it is written. */
export interface SentEvent {
  readonly id?: string | undefined;
  readonly event: string;
  readonly data: unknown;
}

/** Comments between events keep proxies from closing a quiet stream, in milliseconds. */
const KEEP_ALIVE_MS = 15_000;

/** A stream that is silent this long is opened all the same, in milliseconds: the client sees that it is there. */
const OPEN_WITHIN_MS = 500;

/** Write events until the last; 204 when there is none, which tells an EventSource not to come back. */
export async function sendEvents<T>(
  response: Response,
  events: AsyncIterable<T>,
  toSent: (event: T) => SentEvent,
  signal: AbortSignal,
): Promise<void> {
  let keepAlive: NodeJS.Timeout | undefined;
  function open(): void {
    if (response.headersSent) return;
    response.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' });
    response.flushHeaders();
    keepAlive = setInterval(() => response.write(': keep-alive\n\n'), KEEP_ALIVE_MS);
  }
  const opening = setTimeout(open, OPEN_WITHIN_MS);
  try {
    for await (const event of events) {
      open();
      if (!response.write(format(toSent(event)))) await once(response, 'drain', { signal }).catch(() => undefined);
      if (signal.aborted) break;
    }
    // To an EventSource, 204 says not to come back: not where the server only stops.
    if (!response.headersSent) response.status(signal.aborted ? 503 : 204);
    response.end();
  } finally {
    clearTimeout(opening);
    clearInterval(keepAlive);
  }
}

function format({ id, event, data }: SentEvent): string {
  const line = id === undefined ? '' : `id: ${id}\n`;
  // JSON has no line breaks of its own, so one data line is the whole event.
  return `${line}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
