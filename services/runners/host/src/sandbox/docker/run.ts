/** A run in a container: the clock and the amounts of output are watched out here, the rest by process 1 in there. */
import { z } from 'zod';
import { drained, FROM_JAIL, type Frame, fileHeader, frame, readProduced, TO_JAIL } from '../jail/frames.js';
import {
  failedInside,
  type Run,
  type RunEnd,
  type RunEvent,
  type RunRequest,
  SandboxError,
  StartError,
} from '../sandbox.js';
import type { Container } from './container.js';
import { patiently } from './patience.js';

/** Longest that process 1 may take to unpack a job, or to end one, in milliseconds. */
const PATIENCE_MS = 10_000;
/** What process 1 has not handed on yet counts as memory of the program's. */
const STDIN_CHUNK_BYTES = 32 * 1024;

const endSchema = z.object({
  reason: z.enum(['exited', 'cpu', 'memory']),
  code: z.number().int().min(0).max(255).nullable(),
  signal: z.string().nullable(),
  wallMs: z.number().nonnegative(),
  cpuMs: z.number().nonnegative(),
  memoryPeakBytes: z.number().nonnegative(),
  filesOmitted: z.number().int().nonnegative(),
});
const errorSchema = z.object({ message: z.string() });

/** Give a container its job. @throws SandboxError when it could not take it; nothing was started. */
export async function openRun(container: Container, request: RunRequest): Promise<Run> {
  await container.limit(request.limits);
  sendJob(container, request);
  const first = await patiently(PATIENCE_MS, container.next(), 'a container did not take its job in time');
  // Files that are more than its memory end a run before it begins: that is its verdict, and no failure.
  const fits = first !== undefined || !(await container.outOfMemory());
  if (first?.type !== FROM_JAIL.READY && fits) throw failure(container, first);
  return createRun(container, request);
}

function sendJob({ connection }: Container, { argv, env, files, collect, limits, terminal }: RunRequest): void {
  const { openFiles, fileBytes } = limits;
  connection.cork();
  connection.write(
    json(TO_JAIL.RUN, {
      argv,
      env,
      files: files.length,
      collect,
      limits: { openFiles, fileBytes },
      terminal: terminal !== undefined,
    }),
  );
  for (const { path, content, executable } of files) {
    connection.write(fileHeader(path, content.length, executable));
    connection.write(content);
  }
  connection.uncork();
}

function createRun(container: Container, { collect, limits, terminal }: RunRequest): Run {
  const { connection } = container;
  const clock = createClock(limits.wallTimeMs, () => stop('wall'));
  const streams = {
    stdout: { left: limits.outputBytes, full: false },
    stderr: { left: limits.outputBytes, full: false },
  };
  let stopped: 'wall' | 'output' | undefined;
  const hurry = createHurry();

  function stop(reason: 'wall' | 'output'): void {
    if (stopped) return;
    stopped = reason;
    connection.write(frame(TO_JAIL.KILL));
    hurry.begin();
  }

  function take(kind: 'stdout' | 'stderr', payload: Buffer): Buffer {
    const stream = streams[kind];
    const data = payload.subarray(0, stream.left);
    stream.left -= data.length;
    if (data.length < payload.length) {
      stream.full = true;
      stop('output');
    }
    return data;
  }

  function toEnd(end: Omit<RunEnd, 'stdoutTruncated' | 'stderrTruncated'>): RunEnd {
    // A program that ran out of memory or processor time before we stopped it ended by that.
    const reason = end.reason === 'exited' ? (stopped ?? 'exited') : end.reason;
    const [wallMs, cpuMs] = [Math.round(end.wallMs), Math.round(end.cpuMs)];
    return {
      ...end,
      reason,
      wallMs,
      cpuMs,
      stdoutTruncated: streams.stdout.full,
      stderrTruncated: streams.stderr.full,
    };
  }

  /** The container is gone, and with it what process 1 had counted. */
  function unseen(reason: RunEnd['reason']): RunEnd {
    const counted = { wallMs: clock.elapsedMs(), cpuMs: 0, memoryPeakBytes: 0, filesOmitted: 0 };
    return toEnd({ reason, code: null, signal: 'SIGKILL', ...counted });
  }

  async function* read(): AsyncGenerator<RunEvent, void, undefined> {
    for (;;) {
      const next = await hurry.wait(container.next());
      if (next === 'late') {
        await container.remove();
        return yield { kind: 'exited', end: unseen('exited') };
      }
      if (next === undefined) {
        if (!(await container.outOfMemory())) throw failure(container, undefined);
        return yield { kind: 'exited', end: unseen('memory') };
      }
      const { type, payload } = next;
      if (type === FROM_JAIL.EXIT)
        return yield { kind: 'exited', end: toEnd(endSchema.parse(JSON.parse(payload.toString()))) };
      if (type === FROM_JAIL.STARTED) {
        clock.start();
        yield { kind: 'started' };
      } else if (type === FROM_JAIL.STDOUT || type === FROM_JAIL.STDERR) {
        const kind = type === FROM_JAIL.STDOUT ? 'stdout' : 'stderr';
        const data = take(kind, payload);
        if (data.length > 0) yield { kind, data };
      } else if (type === FROM_JAIL.PRODUCED) yield { kind: 'file', ...readProduced(payload) };
      else throw failure(container, next);
    }
  }

  return {
    go: () =>
      void connection.write(
        json(TO_JAIL.START, {
          limits: { cpuMs: limits.cpuTimeMs, memoryBytes: limits.memoryBytes },
          collect: { folder: collect, mostFiles: limits.producedFiles, mostBytes: limits.producedBytes },
          size: terminal ? [terminal.rows, terminal.columns] : null,
        }),
      ),
    async writeStdin(bytes) {
      let room = true;
      // All at once, for what the caller sends next must not overtake it.
      for (let at = 0; at < bytes.length; at += STDIN_CHUNK_BYTES)
        room = connection.write(frame(TO_JAIL.STDIN, bytes.subarray(at, at + STDIN_CHUNK_BYTES)));
      if (room || connection.destroyed) return;
      await drained(connection);
    },
    closeStdin: () => void connection.write(frame(TO_JAIL.STDIN_EOF)),
    signal: (name) => void connection.write(frame(TO_JAIL.SIGNAL, Buffer.from(name))),
    resize: ({ rows, columns }) => void connection.write(json(TO_JAIL.RESIZE, [rows, columns])),
    async *events() {
      try {
        yield* read();
      } catch (reason) {
        if (reason instanceof SandboxError || reason instanceof StartError) throw reason;
        throw new SandboxError('the connection to a container broke', { cause: reason });
      } finally {
        clock.stop();
        hurry.end();
        container.discard();
      }
    },
    close() {
      clock.stop();
      container.discard();
    },
  };
}

function failure(container: Container, got: Frame | undefined): SandboxError | StartError {
  if (got?.type === FROM_JAIL.ERROR) return failedInside(errorSchema.parse(JSON.parse(got.payload.toString())).message);
  if (got) return new SandboxError(`a container sent a frame of type ${got.type}`);
  const complaint = container.complaint();
  return new SandboxError(`a container ended before its run had${complaint && `: ${complaint}`}`);
}

/** Wall time, from when the program was started. */
function createClock(limitMs: number, expired: () => void) {
  let timer: NodeJS.Timeout | undefined;
  let startedMs: number | undefined;
  return {
    start() {
      startedMs = performance.now();
      timer = setTimeout(expired, limitMs);
    },
    stop: () => clearTimeout(timer),
    elapsedMs: () => (startedMs === undefined ? 0 : performance.now() - startedMs),
  };
}

/** Patience that ends once a run was told to: only while we wait, for we may be the slow side ourselves. */
function createHurry() {
  let hurried = false;
  let give: ((late: 'late') => void) | undefined;
  let timer: NodeJS.Timeout | undefined;
  const arm = () => {
    timer = setTimeout(() => give?.('late'), PATIENCE_MS);
  };
  return {
    begin() {
      hurried = true;
      if (give) arm();
    },
    async wait<T>(promise: Promise<T>): Promise<T | 'late'> {
      const late = new Promise<'late'>((resolve) => {
        give = resolve;
      });
      if (hurried) arm();
      try {
        return await Promise.race([promise, late]);
      } finally {
        give = undefined;
        clearTimeout(timer);
      }
    },
    end: () => clearTimeout(timer),
  };
}

function json(type: number, value: unknown): Buffer {
  return frame(type, Buffer.from(JSON.stringify(value)));
}
