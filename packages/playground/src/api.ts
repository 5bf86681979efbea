/** The server, as the page and `<run-code>` talk to it: submit, watch (again by itself where the connection breaks), cancel. */
import type { JobJson, LanguageJson, ProblemJson } from '@runlane/contract';
import { readEvents } from './sse.js';

export type JobEvent =
  | { readonly type: 'status'; readonly id?: string | undefined; readonly status: JobJson['status'] }
  | {
      readonly type: 'stdout' | 'stderr';
      readonly id?: string | undefined;
      readonly data: Uint8Array;
      readonly text: string;
    }
  | { readonly type: 'gap'; readonly id?: string | undefined }
  | { readonly type: 'result'; readonly id?: string | undefined; readonly job: JobJson };

/** The server's own word on why it refused. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  constructor(readonly problem: ProblemJson) {
    super(problem.detail);
  }
}

/** No answer: the server, or the way to it, is away. */
export class AwayError extends Error {
  override readonly name = 'AwayError';
}

export interface Attachment {
  /** What happens, up to the result. Throws where the attachment is lost before it. */
  readonly events: AsyncIterable<JobEvent>;
  write(text: string): void;
  closeStdin(): void;
  resize(rows: number, columns: number): void;
  close(): void;
}

export interface WatchOptions {
  readonly signal: AbortSignal;
  /** Told when the connection is lost (false), and when it is there again (true). */
  readonly onConnection?: (connected: boolean) => void;
}

export type Client = ReturnType<typeof createClient>;

/** Pauses between attempts to reach a server that is away, in milliseconds. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;

export function createClient({ server }: { readonly server: string }) {
  const base = server.replace(/\/+$/, '');

  async function ask(path: string, init: RequestInit = {}): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(base + path, init);
    } catch (error) {
      if (init.signal?.aborted) throw error;
      throw new AwayError('the server does not answer', { cause: error });
    }
    if (response.ok) return response;
    throw await toError(response);
  }
  const asJson = async <T>(path: string, init?: RequestInit) => (await ask(path, init)).json() as Promise<T>;
  const jobPath = (id: string) => `/v1/jobs/${encodeURIComponent(id)}`;
  const result = (id: string, signal?: AbortSignal) => asJson<JobJson>(jobPath(id), signal ? { signal } : {});

  /** Events of one connection. */
  async function* connect(id: string, after: string | undefined, signal: AbortSignal) {
    const headers: Record<string, string> = after === undefined ? {} : { 'Last-Event-ID': after };
    const response = await ask(`${jobPath(id)}/events`, { signal, headers });
    // All was told already, up to the result.
    if (response.status === 204) yield { event: 'result', id: after, data: await result(id, signal) };
    else if (response.body) yield* readEvents(response.body);
  }

  async function* watch(id: string, { signal, onConnection }: WatchOptions): AsyncGenerator<JobEvent> {
    const toEvent = createDecoder();
    let after: string | undefined;
    let pauseMs = FIRST_PAUSE_MS;
    let connected = true;
    for (;;) {
      try {
        for await (const sent of connect(id, after, signal)) {
          if (!connected) onConnection?.(true);
          connected = true;
          pauseMs = FIRST_PAUSE_MS;
          after = sent.id ?? after;
          const event = toEvent(sent.event, sent.id, sent.data);
          if (event) yield event;
          if (event?.type === 'result') return;
        }
      } catch (error) {
        // What the server refused, it will refuse again; all else may pass.
        if (signal.aborted || (error instanceof ProblemError && error.problem.status < 500)) throw error;
      }
      if (connected) onConnection?.(false);
      connected = false;
      await pause(pauseMs, signal);
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    }
  }

  return {
    submit: (job: object, { signal, key }: { readonly signal?: AbortSignal; readonly key?: string } = {}) =>
      asJson<JobJson>('/v1/jobs', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', ...(key && { 'Idempotency-Key': key }) },
        body: JSON.stringify(job),
        ...(signal && { signal }),
      }),
    watch,
    result,
    cancel: (id: string) => asJson<JobJson>(`${jobPath(id)}/cancel`, { method: 'POST' }),
    languages: async (signal?: AbortSignal) =>
      (await asJson<{ languages: LanguageJson[] }>('/v1/languages', signal ? { signal } : {})).languages,
    attach: (id: string) => attach(base.replace(/^http/, 'ws') + `${jobPath(id)}/attach`),
    /** Where a file is that a program left. */
    fileUrl: (id: string, path: string) => `${base}${jobPath(id)}/files/${path.split('/').map(encodeURIComponent).join('/')}`,
  };
}

async function toError(response: Response): Promise<Error> {
  const problem = (await response.json().catch(() => undefined)) as ProblemJson | undefined;
  if (typeof problem?.detail === 'string') return new ProblemError(problem);
  return new AwayError(`the server answers ${response.status} without saying why`);
}

/** Events as they are sent to events with text: a character that two events share is whole in the second. */
function createDecoder() {
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  return (type: string, id: string | undefined, data: unknown): JobEvent | undefined => {
    if (type === 'status') {
      const { status } = data as { status: JobJson['status'] };
      // An attempt begins: of an earlier one's half characters nothing is left.
      if (status === 'running') Object.assign(decoders, { stdout: new TextDecoder(), stderr: new TextDecoder() });
      return { type, id, status };
    }
    if (type === 'stdout' || type === 'stderr') {
      const bytes = toBytes(data as { text: string; encoding?: string });
      return { type, id, data: bytes, text: decoders[type].decode(bytes, { stream: true }) };
    }
    if (type === 'gap') return { type, id };
    if (type === 'result') return { type, id, job: data as JobJson };
    return undefined;
  };
}

export function toBytes({ text, encoding }: { readonly text: string; readonly encoding?: string | undefined }): Uint8Array {
  if (encoding !== 'base64') return new TextEncoder().encode(text);
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

function attach(url: string): Attachment {
  const socket = new WebSocket(url);
  const toEvent = createDecoder();
  const unsent: string[] = [];
  const say = (message: object) => {
    const text = JSON.stringify(message);
    if (socket.readyState === WebSocket.CONNECTING) unsent.push(text);
    else if (socket.readyState === WebSocket.OPEN) socket.send(text);
  };
  const events = new ReadableStream<JobEvent>({
    start(controller) {
      socket.onopen = () => {
        for (const text of unsent.splice(0)) socket.send(text);
      };
      socket.onmessage = ({ data }) => {
        const { event, id, data: told } = JSON.parse(String(data)) as { event: string; id?: string; data: unknown };
        if (event === 'error') return controller.error(new ProblemError(told as ProblemJson));
        const heard = toEvent(event, id, told);
        if (heard) controller.enqueue(heard);
        if (heard?.type === 'result') controller.close();
      };
      socket.onclose = () => {
        try {
          controller.error(new AwayError('the connection to the program is lost'));
        } catch {
          // It was closed, or failed, before.
        }
      };
    },
    cancel: () => socket.close(),
  });
  return {
    events: iterate(events),
    write(text) {
      // A message holds at most 64 KiB; a character takes at most three bytes for each of its units.
      for (let at = 0; at < text.length; at += 16_384) say({ type: 'stdin', data: text.slice(at, at + 16_384) });
    },
    closeStdin: () => say({ type: 'close_stdin' }),
    resize: (rows, columns) => say({ type: 'resize', rows, columns }),
    close: () => socket.close(),
  };
}

/** Not every browser can iterate over a stream itself. */
async function* iterate<T>(stream: ReadableStream<T>): AsyncGenerator<T> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}
