/**
 * An attachment as a WebSocket: text frames of JSON both ways, and binary frames as standard input. Nothing is buffered without
 * bound: the next event is looked for when the one before has left this process, and the next message is read when the one
 * before was given.
 */
import type { IncomingMessage } from 'node:http';
import { attachMessageSchema, decodeText, MAX_INPUT_BYTES, RunlaneError } from '@runlane/contract';
import type { JobInput, Log } from '@runlane/core';
import { asksForWebSocket, takeConnection, toProblem } from '@runlane/http';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import type { Attachment } from '../attach.js';
import { invalidRequest, validate } from '../validate.js';
import { toSentEvent } from './job-events.js';

/** Longest message: the most input in base64, and the words around it. */
const MAX_MESSAGE_BYTES = 2 * MAX_INPUT_BYTES;
/** How often the other side is asked whether it is there, in milliseconds; it is cut off when the answer is not there by the next time. */
const PING_EVERY_MS = 15_000;
/** How long the other side has to close, in milliseconds. */
const CLOSE_WITHIN_MS = 1_000;

/** Closing codes of RFC 6455. */
const CLOSE = { done: 1000, goingAway: 1001, refused: 1008, failed: 1011 } as const;

export interface WebSockets {
  /** @throws RunlaneError `INVALID_REQUEST` where no WebSocket is asked for. */
  check(request: IncomingMessage): void;
  /** Open the WebSocket and stay with it to the end. */
  serve(request: IncomingMessage, attachment: Attachment): Promise<void>;
}

/** @param closing aborts when the server stops. */
export function createWebSockets(closing: AbortSignal, log: Log): WebSockets {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
  });

  return {
    check(request) {
      if (asksForWebSocket(request)) return;
      const message =
        'this is a WebSocket: ask for it with "Upgrade: websocket" (RFC 6455, version 13), as WebSocket clients do';
      throw new RunlaneError('INVALID_REQUEST', message);
    },
    async serve(request, attachment) {
      const { socket, head } = takeConnection(request);
      let serving: Promise<void> | undefined;
      server.handleUpgrade(request, socket, head, (webSocket) => {
        serving = converse(webSocket, attachment, closing, log);
      });
      // Not opened: whoever asked has gone.
      await serving;
      await attachment.leave();
    },
  };
}

async function converse(socket: WebSocket, attachment: Attachment, closing: AbortSignal, log: Log): Promise<void> {
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
    for await (const event of attachment.converse(inputsOf(socket, gone.signal), gone.signal))
      await send(socket, JSON.stringify(toSentEvent(event)));
    if (closing.aborted) close(socket, CLOSE.goingAway, 'the server stops; the job is cancelled');
    else close(socket, CLOSE.done, 'the job has ended');
  } catch (reason) {
    const error = RunlaneError.from(reason);
    if (error.code === 'INTERNAL' && !gone.signal.aborted)
      log.error({ err: error.cause ?? error }, 'attachment failed');
    await send(socket, JSON.stringify({ event: 'error', data: toProblem(error) })).catch(() => undefined);
    close(socket, error.code === 'INVALID_REQUEST' ? CLOSE.refused : CLOSE.failed, error.code);
  } finally {
    stopPinging();
    closing.removeEventListener('abort', stop);
  }
}

/** Resolves when the bytes have left this process: a slow reader is not sent more. */
function send(socket: WebSocket, text: string): Promise<void> {
  return new Promise((resolve, reject) => socket.send(text, (error) => (error ? reject(error) : resolve())));
}

function close(socket: WebSocket, code: number, reason: string): void {
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

/** What the client says, as input. It is paused from each message on until that was given. */
async function* inputsOf(socket: WebSocket, gone: AbortSignal): AsyncGenerator<JobInput> {
  const messages: { readonly data: Buffer; readonly isBinary: boolean }[] = [];
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
      yield toInput(next.data, next.isBinary);
      continue;
    }
    socket.resume();
    await new Promise<void>((resolve) => {
      wake = resolve;
      if (gone.aborted) resolve();
    });
  }
}

function toInput(data: Buffer, isBinary: boolean): JobInput {
  if (isBinary) {
    if (data.length <= MAX_INPUT_BYTES) return { type: 'stdin', data };
    throw invalidRequest([{ field: '', reason: `a binary message must be at most ${MAX_INPUT_BYTES} bytes` }]);
  }
  const message = validate(attachMessageSchema, parse(data));
  return message.type === 'stdin' ? { type: 'stdin', data: decodeText(message.data, message.encoding) } : message;
}

function parse(data: Buffer): unknown {
  try {
    return JSON.parse(data.toString());
  } catch (cause) {
    throw new RunlaneError('INVALID_REQUEST', 'a text message must be JSON; send plain input as binary messages', {
      cause,
    });
  }
}
