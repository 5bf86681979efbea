/**
 * The `jail` driver: a client of the jail service, one Unix connection a run.
 * Closing the connection kills the run, so a run cannot outlive the process that asked for it.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { z } from 'zod';
import {
  END_REASONS,
  failedInside,
  type Layer,
  type Prelude,
  type Run,
  type RunEnd,
  type RunEvent,
  type RunFile,
  type RunRequest,
  type Sandbox,
  type SandboxDescription,
  SandboxError,
  StartError,
  toolchainsSchema,
} from '../sandbox.js';
import {
  createFrameReader,
  drained,
  FROM_JAIL,
  type Frame,
  fileHeader,
  frame,
  readProduced,
  TO_JAIL,
  wordsFrame,
  wordsOf,
} from './frames.js';

const descriptionSchema = z.object({
  summary: z.string(),
  weak: z.boolean(),
  platform: z.string(),
  toolchains: toolchainsSchema,
  problems: z.record(z.string(), z.string()),
  toolchainsShown: z.boolean(),
  environment: z.record(z.string(), z.string()),
  layers: z.array(z.object({ name: z.string(), holds: z.boolean(), needed: z.boolean(), detail: z.string() })),
});
/** In the order in which the jail says it (`VERDICT` of relay.py). */
const endSchema = z.tuple([
  z.enum(END_REASONS),
  z.union([z.literal('').transform(() => null), z.coerce.number().int().min(0).max(255)]),
  z.string().transform((name) => name || null),
  z.coerce.number().nonnegative(),
  z.coerce.number().nonnegative(),
  z.coerce.number().nonnegative(),
  z.enum(['0', '1']),
  z.enum(['0', '1']),
  z.coerce.number().int().nonnegative(),
]);

/** The smallest file that the jail is asked to keep. */
const KEPT_BYTES = 128 * 1024;

export interface JailOptions {
  readonly socketPath: string;
  /** Resolves when the service has ended by itself; absent where somebody else watches it. */
  readonly lost?: Promise<Error>;
  /** Ends the service, where it is ours. */
  readonly stop?: () => Promise<void>;
}

/** @throws SandboxError when no jail service answers at the path. */
export async function createJail({ socketPath, lost, stop }: JailOptions): Promise<Sandbox> {
  const description = await describe(socketPath);
  return {
    description,
    lost: lost ?? new Promise<never>(() => {}),
    open: (request) => openRun(socketPath, request),
    openPrelude: (request) => openPrelude(socketPath, request),
    close: async () => stop?.(),
  };
}

async function describe(socketPath: string): Promise<SandboxDescription> {
  const socket = await dial(socketPath);
  const frames = readFrames(socket);
  try {
    socket.write(frame(TO_JAIL.DESCRIBE));
    const { value } = await frames.next();
    if (value?.type !== FROM_JAIL.DESCRIPTION) throw new SandboxError('the jail service did not describe itself');
    const described = descriptionSchema.parse(JSON.parse(value.payload.toString()));
    const layers: readonly Layer[] = described.layers;
    return { driver: 'jail', ...described, layers };
  } finally {
    socket.destroy();
  }
}

async function openRun(socketPath: string, request: RunRequest): Promise<Run> {
  const socket = await dial(socketPath);
  const frames = readFrames(socket);
  const named = request.files.filter(isWorthKeeping);
  const files = request.files.filter((file) => !isWorthKeeping(file));
  ask(socket, TO_JAIL.RUN, { ...request, files }, named);
  await isReady(socket, answerTo(socket, frames, named));
  return toRun(socket, frames);
}

/** What the jail says, once it has what it lacked of the named files. */
async function answerTo(
  socket: Socket,
  frames: Frames,
  named: readonly RunFile[],
): Promise<IteratorResult<Frame, void>> {
  const first = await frames.next();
  if (first.value?.type !== FROM_JAIL.MISSING) return first;
  const missing = new Set(wordsOf(first.value.payload));
  const lacked = named.filter(({ path }) => missing.has(path));
  socket.cork();
  sendFiles(socket, lacked);
  socket.uncork();
  return frames.next();
}

/** Smaller ones are sent as fast as they are looked for. */
function isWorthKeeping({ name, content }: RunFile): boolean {
  return name !== undefined && content.length >= KEPT_BYTES;
}

async function openPrelude(socketPath: string, request: RunRequest): Promise<Prelude> {
  const socket = await dial(socketPath);
  const frames = readFrames(socket);
  ask(socket, TO_JAIL.PRELUDE, request);
  await isReady(socket, frames.next());
  // Before it is asked for: what comes now can only be its end.
  const next = frames.next();
  const gone = next.then(
    () => {},
    () => {},
  );
  return {
    async take(run) {
      ask(socket, TO_JAIL.RUN, run);
      await isReady(socket, next);
      return toRun(socket, frames);
    },
    gone,
    close: () => void socket.destroy(),
  };
}

type Frames = AsyncGenerator<Frame, void, undefined>;

/** Say what is to run; of the files that are `named`, those that the jail lacks are sent when it has said which. */
function ask(socket: Socket, type: number, request: RunRequest, named: readonly RunFile[] = []): void {
  const { wallTimeMs, cpuTimeMs, ...limits } = request.limits;
  const environment = Object.entries(request.env);
  socket.cork();
  socket.write(
    wordsFrame(type, [
      request.collect,
      request.files.length,
      request.argv.length,
      environment.length,
      request.terminal?.rows ?? 0,
      request.terminal?.columns ?? 0,
      named.length,
      ...request.argv,
      ...named.flatMap(({ path, executable, name = '' }) => [path, executable ? 'x' : '-', name]),
      ...environment.flat(),
      ...Object.entries({ wallMs: wallTimeMs, cpuMs: cpuTimeMs, ...limits }).flat(),
    ]),
  );
  sendFiles(socket, request.files);
  socket.uncork();
}

function sendFiles(socket: Socket, files: readonly RunFile[]): void {
  for (const { path, content, executable } of files) {
    socket.write(fileHeader(path, content.length, executable));
    if (content.length > 0) socket.write(content);
  }
}

/** Resolves when the jail is ready for what it was asked. @throws SandboxError, and the connection is closed. */
async function isReady(socket: Socket, next: Promise<IteratorResult<Frame, void>>): Promise<void> {
  try {
    const { value } = await next;
    if (value?.type === FROM_JAIL.ERROR) throw new SandboxError(value.payload.toString());
    if (value?.type !== FROM_JAIL.READY) throw new SandboxError('the jail service closed the connection');
  } catch (reason) {
    socket.destroy();
    throw asSandboxError(reason);
  }
}

/** What the jail is ready for. */
function toRun(socket: Socket, frames: Frames): Run {
  return {
    go() {
      // Standard input, or its end, mostly follows at once: one system call for both, and one wake-up of the jail.
      socket.cork();
      socket.write(frame(TO_JAIL.START));
      process.nextTick(() => socket.uncork());
    },
    async writeStdin(bytes) {
      if (socket.destroyed || socket.write(frame(TO_JAIL.STDIN, bytes))) return;
      await drained(socket);
    },
    closeStdin: () => void socket.write(frame(TO_JAIL.STDIN_EOF)),
    signal: (name) => void socket.write(frame(TO_JAIL.SIGNAL, Buffer.from(name))),
    resize: ({ rows, columns }) => void socket.write(wordsFrame(TO_JAIL.RESIZE, [rows, columns])),
    events: () => readEvents(socket, frames),
    close: () => void socket.destroy(),
  };
}

async function* readEvents(socket: Socket, frames: Frames): AsyncGenerator<RunEvent, void, undefined> {
  try {
    for await (const { type, payload } of frames) {
      if (type === FROM_JAIL.STDOUT) yield { kind: 'stdout', data: payload };
      else if (type === FROM_JAIL.STDERR) yield { kind: 'stderr', data: payload };
      else if (type === FROM_JAIL.STARTED) yield { kind: 'started' };
      else if (type === FROM_JAIL.PRODUCED) yield { kind: 'file', ...readProduced(payload) };
      else if (type === FROM_JAIL.EXIT) {
        yield { kind: 'exited', end: toEnd(payload) };
        return;
      } else if (type === FROM_JAIL.ERROR) throw failedInside(payload.toString());
      else throw new SandboxError(`the jail service sent a frame of type ${type}`);
    }
    throw new SandboxError('the jail service closed the connection before the run had ended');
  } catch (reason) {
    throw asSandboxError(reason);
  } finally {
    socket.destroy();
  }
}

/**
 * Frames as they come. The socket is read no faster than they are taken: that is the back-pressure. By hand, as the
 * stream's own iterator makes an error for every connection that is left before its end.
 */
async function* readFrames(socket: Socket): Frames {
  const cut = createFrameReader();
  let news = () => {};
  for (const event of ['readable', 'end', 'close']) socket.on(event, () => news());
  while (!socket.readableEnded && !socket.destroyed) {
    const chunk: Buffer | null = socket.read();
    if (chunk) yield* cut(chunk);
    else {
      await new Promise<void>((resolve) => {
        news = resolve;
      });
    }
  }
  if (socket.errored) throw socket.errored;
}

async function dial(socketPath: string): Promise<Socket> {
  const socket = connect(socketPath);
  try {
    await once(socket, 'connect');
  } catch (reason) {
    throw asSandboxError(reason);
  }
  // A broken connection is seen where it is read; without a listener it would end the process.
  socket.on('error', () => {});
  return socket;
}

function toEnd(payload: Buffer): RunEnd {
  const [reason, code, signal, wallMs, cpuMs, memoryPeakBytes, stdoutCut, stderrCut, filesOmitted] = endSchema.parse(
    wordsOf(payload),
  );
  const [stdoutTruncated, stderrTruncated] = [stdoutCut === '1', stderrCut === '1'];
  return { reason, code, signal, wallMs, cpuMs, memoryPeakBytes, stdoutTruncated, stderrTruncated, filesOmitted };
}

function asSandboxError(reason: unknown): SandboxError | StartError {
  if (reason instanceof SandboxError || reason instanceof StartError) return reason;
  return new SandboxError('the jail service does not answer', { cause: reason });
}
