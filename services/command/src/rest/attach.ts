/** An attachment as a WebSocket: text frames of JSON both ways, and binary frames as standard input. */
import type { IncomingMessage } from 'node:http';
import { attachMessageSchema, decodeText, MAX_INPUT_BYTES, RunlaneError } from '@runlane/contract';
import type { JobInput, Log } from '@runlane/core';
import { toProblem } from '@runlane/http';
import type { Attachment } from '../attach.js';
import { invalidRequest, validate } from '../validate.js';
import { toSentEvent } from './job-events.js';
import { CLOSE, type Conversation, close, messagesOf, send, type WebSockets } from './web-socket.js';

/** @throws RunlaneError `INVALID_REQUEST` where no WebSocket is asked for. */
export function checkAsksForWebSocket(webSockets: WebSockets, request: IncomingMessage): void {
  if (webSockets.isAsked(request)) return;
  const message =
    'this is a WebSocket: ask for it with "Upgrade: websocket" (RFC 6455, version 13), as WebSocket clients do';
  throw new RunlaneError('INVALID_REQUEST', message);
}

/** @param closing aborts when the server stops. */
export async function converse(
  conversation: Conversation,
  attachment: Attachment,
  closing: AbortSignal,
  log: Log,
): Promise<void> {
  const { socket, gone } = conversation;
  try {
    for await (const event of attachment.converse(inputsOf(conversation), gone)) await send(socket, toSentEvent(event));
    if (closing.aborted) close(socket, CLOSE.goingAway, 'the server stops; the job is cancelled');
    else close(socket, CLOSE.done, 'the job has ended');
  } catch (reason) {
    const error = RunlaneError.from(reason);
    if (error.code === 'INTERNAL' && !gone.aborted) log.error({ err: error.cause ?? error }, 'attachment failed');
    await send(socket, { event: 'error', data: toProblem(error) }).catch(() => undefined);
    close(socket, error.code === 'INVALID_REQUEST' ? CLOSE.refused : CLOSE.failed, error.code);
  }
}

async function* inputsOf(conversation: Conversation): AsyncGenerator<JobInput> {
  for await (const { data, isBinary } of messagesOf(conversation)) yield toInput(data, isBinary);
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
