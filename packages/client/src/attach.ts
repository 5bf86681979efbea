/** Talking to an interactive program while it runs, over a WebSocket. */
import { RunlaneError, unreachable } from './error.js';
import { createToJobEvent, type JobEvent, type Told } from './events.js';

/** As browsers have it, and Node from 22; for Node 20, the class of the package `ws`. */
type WebSocketClass = new (url: string, protocols: string[]) => WebSocketLike;

interface WebSocketLike {
  binaryType: string;
  send(data: string | Uint8Array): void;
  close(code?: number): void;
  // biome-ignore lint/suspicious/noExplicitAny: the events of browsers and of `ws` are alike, but no common type.
  addEventListener(type: string, listener: (event: any) => void): void;
}

export interface AttachOptions {
  readonly WebSocket?: WebSocketClass;
  readonly signal?: AbortSignal;
}

/** Iterate it for the output, to the result. Leaving it, or losing the connection, cancels the job. */
export interface Attachment extends AsyncIterable<JobEvent> {
  /** More standard input, at most 64 KiB at once. */
  write(input: string | Uint8Array): void;
  /** No more standard input. */
  closeStdin(): void;
  kill(name: 'SIGINT' | 'SIGTERM' | 'SIGKILL'): void;
  /** The size of the terminal has changed. */
  resize(size: { readonly rows: number; readonly columns: number }): void;
  leave(): void;
}

/** Resolves once it is attached. @throws RunlaneError `UNREACHABLE`, also where the server refused: browsers do not say why. */
export async function attach(
  url: string,
  protocols: string[],
  { WebSocket = globalWebSocket(), signal }: AttachOptions,
): Promise<Attachment> {
  signal?.throwIfAborted();
  const socket = new WebSocket(url.replace(/^http/, 'ws'), protocols);
  socket.binaryType = 'arraybuffer';
  const told = createInbox(socket);
  signal?.addEventListener('abort', () => socket.close(), { once: true });
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve());
    socket.addEventListener('error', ({ error, message }) =>
      reject(unreachable(url, error ?? new Error(message ?? 'the attachment was refused'))),
    );
  });
  const say = (message: object) => socket.send(JSON.stringify(message));
  return {
    write: (input) => socket.send(typeof input === 'string' ? new TextEncoder().encode(input) : input),
    closeStdin: () => say({ type: 'close_stdin' }),
    kill: (name) => say({ type: 'signal', name }),
    resize: (size) => say({ type: 'resize', ...size }),
    leave: () => socket.close(),
    async *[Symbol.asyncIterator]() {
      const toJobEvent = createToJobEvent();
      try {
        for await (const { event, id, data } of told) {
          if (event === 'error')
            throw new RunlaneError(data.code, data.detail, { status: data.status, fields: data.errors });
          const known = toJobEvent({ event, id, data });
          if (known) yield known;
          if (event === 'result') return;
        }
        signal?.throwIfAborted();
        throw new RunlaneError('ATTACHMENT_LOST', 'the connection was lost, and the job is cancelled');
      } finally {
        socket.close();
      }
    },
  };
}

/** Frames as they come, kept until they are asked for: how much a program may write is limited. */
function createInbox(socket: WebSocketLike): AsyncIterable<Told> {
  const frames: string[] = [];
  let closed = false;
  let wake = () => {};
  socket.addEventListener('message', ({ data }) => {
    frames.push(data);
    wake();
  });
  socket.addEventListener('close', () => {
    closed = true;
    wake();
  });
  return {
    async *[Symbol.asyncIterator]() {
      for (;;) {
        for (const frame of frames.splice(0)) yield JSON.parse(frame);
        if (closed && frames.length === 0) return;
        if (frames.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
}

function globalWebSocket(): WebSocketClass {
  const { WebSocket } = globalThis as { WebSocket?: WebSocketClass };
  if (!WebSocket)
    throw new Error('this Node has no WebSocket: give the class of the package `ws` as the option WebSocket');
  return WebSocket;
}
