/** Server-sent events out of the bytes of an answer. Not by EventSource, which cannot say after which event to begin. */

export interface SentEvent {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: unknown;
}

export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<SentEvent> {
  let event = '';
  let id: string | undefined;
  let data: string[] = [];
  for await (const line of linesOf(body)) {
    if (line === '') {
      if (data.length > 0) yield { event, id, data: JSON.parse(data.join('\n')) };
      event = '';
      data = [];
    } else if (line.startsWith('event: ')) event = line.slice(7);
    else if (line.startsWith('id: ')) id = line.slice(4);
    else if (line.startsWith('data: ')) data.push(line.slice(6));
  }
}

/** A line may be megabytes long: what is there of it is only put together when its end has come. */
async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let begun: string[] = [];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const [first = '', ...more] = decoder.decode(value, { stream: true }).split('\n');
      begun.push(first);
      for (const next of more) {
        yield begun.join('').replace(/\r$/, '');
        begun = [next];
      }
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}
