/**
 * WebSockets, where nothing is buffered without bound: the next thing is sent when the one before has left this process, and the
 * next message is read when the one before was dealt with.
 */
import type { IncomingMessage } from 'node:http';
import { asksForWebSocket, takeConnection } from '@runlane/http';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';

/** How often the other side is asked whether it is there, in milliseconds; it is cut off when the answer is not there by the next time. */
const PING_EVERY_MS = 15_000;
/** How long the other side has to close, in milliseconds. */
const CLOSE_WITHIN_MS = 1_000;

/** In pages, a WebSocket has no headers of its own: the key comes as one of its subprotocols. */
export const KEY_PROTOCOL = 'runlane.key.';

/** Closing codes of RFC 6455. */
export const CLOSE = { done: 1000, goingAway: 1001, refused: 1008, failed: 1011 } as const;

export interface Message {
  readonly data: Buffer;
  readonly isBinary: boolean;
}

export interface Conversation {
  readonly socket: WebSocket;
  /** Aborts when the other side has gone, or the server stops. */
  readonly gone: AbortSignal;
}

export interface WebSockets {
  isAsked(request: IncomingMessage): boolean;
  /** Open the WebSocket and stay with it until `converse` has ended; it is not called where whoever asked has gone. */
  serve(request: IncomingMessage, converse: (conversation: Conversation) => Promise<void>): Promise<void>;
}

/**
 * @param closing aborts when the server stops.
 * @param maxMessageBytes longest message that is taken.
 */
export function createWebSockets(closing: AbortSignal, maxMessageBytes: number): WebSockets {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: maxMessageBytes,
    perMessageDeflate: false,
    // Of what is offered the first, as is usual, but for the key: that is not sent back.
    handleProtocols: (offered) => [...offered].find((protocol) => !protocol.startsWith(KEY_PROTOCOL)) ?? false,
  });

  return {
    isAsked: asksForWebSocket,
    async serve(request, converse) {
      const { socket, head } = takeConnection(request);
      let serving: Promise<void> | undefined;
      server.handleUpgrade(request, socket, head, (webSocket) => {
        serving = stayWith(webSocket, closing, converse);
      });
      await serving;
    },
  };
}

async function stayWith(
  socket: WebSocket,
  closing: AbortSignal,
  converse: (conversation: Conversation) => Promise<void>,
): Promise<void> {
  const gone = new AbortController();
  const leave = () => gone.abort('nobody listens any more');
  socket.on('error', leave);
  socket.on('close', leave);
  const stop = () => {
    leave();
    // Who takes nothing is not waited for.
    setTimeout(() => socket.terminate(), CLOSE_WITHIN_MS).unref();
  };
  if (closing.aborted) stop();
  closing.addEventListener('abort', stop, { once: true });
  const stopPinging = ping(socket);
  try {
    await converse({ socket, gone: gone.signal });
  } finally {
    stopPinging();
    closing.removeEventListener('abort', stop);
  }
}

/** Resolves when the bytes have left this process: a slow reader is not sent more. */
export function send(socket: WebSocket, value: unknown): Promise<void> {
  return new Promise((resolve, reject) =>
    socket.send(JSON.stringify(value), (error) => (error ? reject(error) : resolve())),
  );
}

export function close(socket: WebSocket, code: number, reason: string): void {
  socket.close(code, reason);
  // Paused, it would not see the other side close.
  socket.resume();
  setTimeout(() => socket.terminate(), CLOSE_WITHIN_MS).unref();
}

/** Cut the connection when the other side does not answer. While it is held back, its answers are not read either. */
function ping(socket: WebSocket): () => void {
  let answered = true;
  socket.on('pong', () => {
    answered = true;
  });
  const timer = setInterval(() => {
    if (!answered && !socket.isPaused) return socket.terminate();
    answered = false;
    socket.ping();
  }, PING_EVERY_MS);
  return () => clearInterval(timer);
}

/** What the other side says. It is paused from each message on until that was dealt with. */
export async function* messagesOf({ socket, gone }: Conversation): AsyncGenerator<Message> {
  const messages: Message[] = [];
  let wake = () => {};
  socket.on('message', (data: RawData, isBinary) => {
    messages.push({ data: data as Buffer, isBinary });
    socket.pause();
    wake();
  });
  gone.addEventListener('abort', () => wake(), { once: true });
  while (!gone.aborted) {
    const next = messages.shift();
    if (next) {
      yield next;
      continue;
    }
    socket.resume();
    await new Promise<void>((resolve) => {
      wake = resolve;
      if (gone.aborted) resolve();
    });
  }
}
