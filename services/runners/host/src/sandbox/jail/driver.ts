/**
 * The `jail` driver: a client of the jail service, one Unix connection a run.
 * Closing the connection kills the run, so a run cannot outlive the process that asked for it.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { z } from 'zod';
import {
  END_REASONS,
  type Layer,
  type Run,
  type RunEvent,
  type RunRequest,
  type Sandbox,
  type SandboxDescription,
  SandboxError,
} from '../sandbox.js';
import { createFrameReader, FROM_JAIL, type Frame, fileFrame, frame, jsonFrame, TO_JAIL } from './frames.js';

const descriptionSchema = z.object({
  summary: z.string(),
  weak: z.boolean(),
  platform: z.string(),
  tools: z.record(z.string(), z.string()),
  environment: z.record(z.string(), z.string()),
  layers: z.array(z.object({ name: z.string(), holds: z.boolean(), needed: z.boolean(), detail: z.string() })),
});
const endSchema = z.object({
  reason: z.enum(END_REASONS),
  code: z.number().int().min(0).max(255).nullable(),
  signal: z.string().nullable(),
  wallMs: z.number().nonnegative(),
  cpuMs: z.number().nonnegative(),
  memoryPeakBytes: z.number().nonnegative(),
  stdoutTruncated: z.boolean(),
  stderrTruncated: z.boolean(),
});
const errorSchema = z.object({ message: z.string() });

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
    const described = descriptionSchema.parse(parse(value.payload));
    const layers: readonly Layer[] = described.layers;
    return { driver: 'jail', ...described, layers };
  } finally {
    socket.destroy();
  }
}

async function openRun(socketPath: string, request: RunRequest): Promise<Run> {
  const socket = await dial(socketPath);
  const frames = readFrames(socket);
  const { wallTimeMs, cpuTimeMs, ...limits } = request.limits;
  try {
    socket.cork();
    socket.write(
      jsonFrame(TO_JAIL.RUN, {
        argv: request.argv,
        env: request.env,
        files: request.files.length,
        limits: { wallMs: wallTimeMs, cpuMs: cpuTimeMs, ...limits },
      }),
    );
    for (const file of request.files) socket.write(fileFrame(file.path, file.content, file.executable));
    socket.uncork();
    const { value } = await frames.next();
    if (value?.type === FROM_JAIL.ERROR) throw new SandboxError(errorSchema.parse(parse(value.payload)).message);
    if (value?.type !== FROM_JAIL.READY) throw new SandboxError('the jail service closed the connection');
  } catch (reason) {
    socket.destroy();
    throw asSandboxError(reason);
  }
  return {
    go() {
      // Standard input, or its end, mostly follows at once: one system call for both, and one wake-up of the jail.
      socket.cork();
      socket.write(frame(TO_JAIL.START));
      process.nextTick(() => socket.uncork());
    },
    async writeStdin(bytes) {
      if (socket.destroyed || socket.write(frame(TO_JAIL.STDIN, bytes))) return;
      await Promise.race([once(socket, 'drain'), once(socket, 'close')]).catch(() => {});
    },
    closeStdin: () => void socket.write(frame(TO_JAIL.STDIN_EOF)),
    signal: (name) => void socket.write(frame(TO_JAIL.SIGNAL, Buffer.from(name))),
    events: () => readEvents(socket, frames),
    close: () => void socket.destroy(),
  };
}

async function* readEvents(
  socket: Socket,
  frames: AsyncGenerator<Frame, void, undefined>,
): AsyncGenerator<RunEvent, void, undefined> {
  try {
    for await (const { type, payload } of frames) {
      if (type === FROM_JAIL.STDOUT) yield { kind: 'stdout', data: payload };
      else if (type === FROM_JAIL.STDERR) yield { kind: 'stderr', data: payload };
      else if (type === FROM_JAIL.STARTED) yield { kind: 'started' };
      else if (type === FROM_JAIL.EXIT) {
        yield { kind: 'exited', end: endSchema.parse(parse(payload)) };
        return;
      } else if (type === FROM_JAIL.ERROR) throw new SandboxError(errorSchema.parse(parse(payload)).message);
      else throw new SandboxError(`the jail service sent a frame of type ${type}`);
    }
    throw new SandboxError('the jail service closed the connection before the run had ended');
  } catch (reason) {
    throw asSandboxError(reason);
  } finally {
    socket.destroy();
  }
}

/** Frames as they come. The socket is read no faster than they are taken: that is the back-pressure. */
async function* readFrames(socket: Socket): AsyncGenerator<Frame, void, undefined> {
  const cut = createFrameReader();
  for await (const chunk of socket) yield* cut(chunk as Buffer);
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

function parse(payload: Buffer): unknown {
  return JSON.parse(payload.toString());
}

function asSandboxError(reason: unknown): SandboxError {
  if (reason instanceof SandboxError) return reason;
  return new SandboxError('the jail service does not answer', { cause: reason });
}
