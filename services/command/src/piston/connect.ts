/**
 * Piston's WebSocket: the program comes as the first message, its input as further ones. Unlike Piston's own, signals arrive,
 * standard input can be closed, and a program ends when its client leaves.
 */
import type { IncomingMessage } from 'node:http';
import { StringDecoder } from 'node:string_decoder';
import { INPUT_SIGNALS, MAX_INPUT_BYTES, RunlaneError } from '@runlane/contract';
import type { JobInput, Log } from '@runlane/core';
import type { Attachment } from '../attach.js';
import type { Caller } from '../auth/caller.js';
import type { Command } from '../command.js';
import type { KnownLanguage } from '../languages.js';
import { parseProgram } from '../rest/body.js';
import { CLOSE, type Conversation, close, messagesOf, send, type WebSockets } from '../rest/web-socket.js';
import type { WatchEvent } from '../watch.js';
import { inPistonsNames, readPistonProgram } from './request.js';
import { endingOf } from './response.js';
import { isSignalName } from './signals.js';

/** How long a client has to say what it wants, in milliseconds. */
const INIT_WITHIN_MS = 1_000;

/** Why Piston closes: codes and texts that clients know. */
const ENDS = {
  alreadyInitialized: [4000, 'Already Initialized'],
  initializationTimeout: [4001, 'Initialization Timeout'],
  notifiedError: [4002, 'Notified Error'],
  notYetInitialized: [4003, 'Not yet initialized'],
  notStdin: [4004, 'Can only write to stdin'],
  invalidSignal: [4005, 'Invalid signal'],
  jobCompleted: [4999, 'Job Completed'],
} as const;

type End = keyof typeof ENDS;

/** The client broke the rules: the connection is closed so. */
class Closing extends Error {
  constructor(readonly end: End) {
    super(ENDS[end][1]);
  }
}

type Message = Readonly<Record<string, unknown>>;

export interface PistonConnections {
  readonly command: Command;
  readonly caller: Caller;
  readonly webSockets: WebSockets;
  /** Aborts when the server stops. */
  readonly closing: AbortSignal;
  readonly log: Log;
}

/** Take the connection over and stay with it to the end. */
export function serveConnection(
  request: IncomingMessage,
  { command, caller, webSockets, closing, log }: PistonConnections,
): Promise<void> {
  return webSockets.serve(request, async (conversation) => {
    const { socket, gone } = conversation;
    try {
      await runProgram(conversation, command, caller);
      if (closing.aborted) close(socket, CLOSE.goingAway, 'the server stops');
      else closeAs(socket, 'jobCompleted');
    } catch (reason) {
      const end = endOf(reason);
      if (!end) await tellError(conversation, RunlaneError.from(reason), log);
      if (!gone.aborted) closeAs(socket, end ?? 'notifiedError');
    }
  });
}

function closeAs(socket: Conversation['socket'], end: End): void {
  const [code, reason] = ENDS[end];
  close(socket, code, reason);
}

/** Which rule was broken, if one was; what an input broke comes as the cause of a lost attachment. */
function endOf(reason: unknown): End | undefined {
  const cause = reason instanceof RunlaneError ? reason.cause : reason;
  return cause instanceof Closing ? cause.end : undefined;
}

async function tellError({ socket, gone }: Conversation, error: RunlaneError, log: Log): Promise<void> {
  if (gone.aborted) return;
  if (error.code === 'INTERNAL') log.error({ err: error.cause ?? error }, 'a connection failed');
  await send(socket, { type: 'error', message: inPistonsNames(error) }).catch(() => undefined);
}

async function runProgram(conversation: Conversation, command: Command, caller: Caller): Promise<void> {
  const messages = messagesOf(conversation);
  const init = await initOf(messages);
  if (!init) return;
  const { language, body } = readPistonProgram({ ...init, stdin: undefined }, await command.languages.all());
  const { view } = await command.submit({ body: { ...body, stdin: '', interactive: {} }, caller });
  const attachment = await command.attachments.attach(caller.ownerId, view.job.id);
  try {
    await tell(conversation, language, attachment, inputsOf(messages));
  } finally {
    await attachment.leave();
  }
}

/** What the client wants run; undefined when it has gone. @throws Closing */
async function initOf(messages: AsyncGenerator<{ readonly data: Buffer }>): Promise<Message | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Closing('initializationTimeout')), INIT_WITHIN_MS);
  });
  try {
    for (;;) {
      const { value, done } = await Promise.race([messages.next(), late]);
      if (done) return undefined;
      const message = parse(value.data);
      if (message.type === 'init') return message;
      if (message.type === 'data' || message.type === 'signal') throw new Closing('notYetInitialized');
    }
  } finally {
    clearTimeout(timer);
  }
}

function parse(data: Buffer): Message {
  const value = parseProgram(data);
  return typeof value === 'object' && value !== null ? (value as Message) : {};
}

/** Tell what happens, a message at a time. */
async function tell(
  { socket, gone }: Conversation,
  language: KnownLanguage,
  attachment: Attachment,
  inputs: AsyncIterable<JobInput>,
): Promise<void> {
  await send(socket, { type: 'runtime', language: language.name, version: language.version });
  await send(socket, { type: 'stage', stage: language.compiled ? 'compile' : 'run' });
  const toMessages = createTranslation(language);
  for await (const event of attachment.converse(inputs, gone))
    for (const message of toMessages(event)) await send(socket, message);
}

/** From an event of ours to messages of Piston's. */
function createTranslation(language: KnownLanguage): (event: WatchEvent) => Message[] {
  const decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') };
  let compiling = language.compiled;
  const begun = (): Message[] => {
    if (!compiling) return [];
    compiling = false;
    return [
      { type: 'exit', stage: 'compile', code: 0, signal: null },
      { type: 'stage', stage: 'run' },
    ];
  };
  return (event) => {
    if (event.type === 'stdout' || event.type === 'stderr') {
      const data = decoders[event.type].write(Buffer.from(event.data));
      return [...begun(), { type: 'data', stream: event.type, data }];
    }
    if (event.type === 'status' && event.status === 'running') return begun();
    if (event.type !== 'result' || !event.view.result) return [];
    const { result } = event.view;
    const { code, signal } = endingOf({ ...event.view, result }, language);
    if (result.status !== 'compile_failed') return [...begun(), { type: 'exit', stage: 'run', code, signal }];
    const data = Buffer.from(result.compile?.diagnostics ?? []).toString();
    const exitCode = result.compile?.exitCode ?? null;
    return [
      { type: 'data', stream: 'stderr', data },
      { type: 'exit', stage: 'compile', code: exitCode, signal: exitCode === null ? 'SIGKILL' : null },
    ];
  };
}

/** What the client says to its program. @throws Closing */
async function* inputsOf(messages: AsyncIterable<{ readonly data: Buffer }>): AsyncGenerator<JobInput> {
  for await (const { data } of messages) yield* toInputs(parse(data));
}

function* toInputs(message: Message): Generator<JobInput> {
  switch (message.type) {
    case 'init':
      throw new Closing('alreadyInitialized');
    case 'data': {
      if (message.stream !== 'stdin') throw new Closing('notStdin');
      const data = Buffer.from(String(message.data ?? ''));
      for (let at = 0; at < data.length; at += MAX_INPUT_BYTES)
        yield { type: 'stdin', data: data.subarray(at, at + MAX_INPUT_BYTES) };
      return;
    }
    case 'signal': {
      if (!isSignalName(message.signal)) throw new Closing('invalidSignal');
      const name = INPUT_SIGNALS.find((each) => each === message.signal);
      if (name) yield { type: 'signal', name };
      return;
    }
    // Not of Piston, whose programs cannot read to the end of their input.
    case 'close_stdin':
      yield { type: 'close_stdin' };
  }
}
