/** A stream of events that goes on over lost connections, with nothing lost. */
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { RunlaneError } from './error.js';
import type { Told } from './events.js';
import type { Http } from './http.js';

export interface Watched {
  readonly path: string;
  /** The event that ends the stream. */
  readonly last: string;
  /** Begin after this event. */
  readonly after?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The server says something every 15 seconds; one that is silent this long is gone, whatever the connection says. */
const SILENCE_MS = 45_000;

/** @throws RunlaneError when the server is away for longer than the retries last. */
export async function* watch(http: Http, { path, last, after, signal }: Watched): AsyncGenerator<Told> {
  let lastEventId = after;
  const { wait, reset } = http.backoff(signal);
  for (;;) {
    const headers: Record<string, string> = lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId };
    const response = await http.send(path, { headers, signal });
    // Nothing comes after that event.
    if (response.status === 204 || !response.body) return;
    try {
      for await (const told of eventsOf(response.body)) {
        lastEventId = told.id ?? lastEventId;
        reset();
        yield told;
        if (told.event === last) return;
      }
    } catch {
      signal?.throwIfAborted();
    }
    await wait(new RunlaneError('UNREACHABLE', 'the connection to the server was lost'));
  }
}

async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Told> {
  const arrived: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (event) => arrived.push(event) });
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await withinMs(SILENCE_MS, reader.read());
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
      for (const { id, event, data } of arrived.splice(0)) yield { id, event, data: JSON.parse(data) };
    }
  } finally {
    void reader.cancel().catch(() => undefined);
  }
}

function withinMs<T>(timeoutMs: number, promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing for ${timeoutMs} ms`)), timeoutMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
