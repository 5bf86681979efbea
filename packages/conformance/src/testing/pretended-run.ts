/** A run that only pretends: no code is executed, and yet it has input, output, limits and an end like a real one. */
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { runner } from '@runlane/contract';
import type { Request, Response } from '../conversation.js';
import type { Fault } from './faults.js';

type End = Partial<Pick<runner.Exited, 'exitCode' | 'signal' | 'stdoutTruncated'>> & {
  reason: runner.EndReason;
};

const CHUNK_BYTES = 32 * 1024;
const LATE_MS = 800;
/** ^C. */
const INTERRUPT_KEY = 3;

/** What a program can do. After its end each of these throws, which ends the program too. */
export interface PretendedRun {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly input: AsyncIterable<Buffer>;
  write(stream: 'stdout' | 'stderr', data: string | Buffer): void;
  read(path: string): Buffer;
  /** Leave a file in "out". */
  leave(path: string, content: string): void;
  pause(ms: number): Promise<void>;
  spin(): Promise<never>;
  takeAllMemory(): Promise<never>;
}

export interface RunOptions {
  readonly start: runner.Start;
  readonly files: readonly runner.BundleFile[];
  /** Every limit that this runner knows, set. */
  readonly limits: { readonly wallTimeMs: number; readonly cpuTimeMs: number; readonly outputBytes: number };
  readonly has: (fault: Fault) => boolean;
  readonly send: (message: Response) => void;
  readonly program: (run: PretendedRun) => Promise<number>;
}

export interface RunControl {
  /** What the caller says while it runs. */
  take(message: Request): void;
  /** The caller is gone. */
  abandon(): void;
  /** Run it to its end, and tell of it. */
  finish(): Promise<void>;
}

export function createPretendedRun({ start, files, limits, has, send, program }: RunOptions): RunControl {
  let stop: (end: End) => void = () => undefined;
  const stopped = new Promise<never>((_, reject) => {
    stop = reject;
  });
  stopped.catch(() => undefined);
  let over = false;
  const input = new Readable({ read: () => undefined });
  const kept = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
  const produced: Response[] = [];
  const startedAt = performance.now();
  const inTerminal = start.terminal !== undefined && !has('gives pipes where a terminal is asked for');

  function end(end: End): void {
    over = true;
    stop(end);
  }

  function write(stream: 'stdout' | 'stderr', data: string | Buffer): void {
    if (over) throw new Error('the run is over');
    const before = kept[stream];
    const written = inTerminal ? Buffer.from(data.toString().replaceAll('\n', '\r\n')) : Buffer.from(data);
    const all = Buffer.concat([before, written]);
    const limit = limits.outputBytes + (has('keeps one byte too many') ? 1 : 0);
    const cut = all.length > limit;
    kept[stream] =
      cut && has('keeps the last bytes instead of the first') ? all.subarray(-limit) : all.subarray(0, limit);
    if (!has('keeps output until the end')) tell(stream, kept[stream].subarray(before.length));
    if (cut) {
      end({ reason: runner.EndReason.OUTPUT, stdoutTruncated: !has('does not say that it cut the output') });
      throw new Error('the run is over');
    }
  }

  function tell(stream: 'stdout' | 'stderr', data: Buffer): void {
    const isStdout = (stream === 'stdout') !== has('swaps stdout and stderr');
    const name = isStdout ? runner.Stream.STDOUT : runner.Stream.STDERR;
    for (let at = 0; at < data.length; at += CHUNK_BYTES) {
      say({ $case: 'output', value: { stream: name, data: Buffer.from(data.subarray(at, at + CHUNK_BYTES)) } });
    }
  }

  function say(message: Response): void {
    if (has('sends everything late') && message.$case !== 'started') setTimeout(() => send(message), LATE_MS);
    else send(message);
  }

  const args = has('splits arguments at spaces') ? start.args.flatMap((arg) => arg.split(' ')) : start.args;
  const env = has('loses the environment') ? {} : start.env;
  const run: PretendedRun = {
    args,
    env,
    input,
    write,
    read: (path) => files.find((file) => file.path === path)?.content ?? Buffer.alloc(0),
    leave: (path, content) => void produced.push({ $case: 'file', value: { path, chunk: Buffer.from(content) } }),
    pause: (ms) => Promise.race([sleep(ms), stopped]),
    spin() {
      const timer = endAfter(limits.cpuTimeMs, runner.EndReason.CPU_TIME);
      return stopped.finally(() => clearTimeout(timer));
    },
    async takeAllMemory() {
      if (!has('ends no run for its memory')) end({ reason: runner.EndReason.MEMORY, signal: 'SIGKILL' });
      return stopped;
    },
  };

  function endAfter(ms: number, reason: runner.EndReason): NodeJS.Timeout | undefined {
    if (has('ends no run for its time')) return undefined;
    return setTimeout(() => end({ reason, signal: 'SIGKILL' }), ms);
  }

  function deliver(bytes: Buffer): void {
    if (inTerminal) typed(bytes);
    input.push(has('reads input as text') ? Buffer.from(bytes.toString()) : bytes);
  }

  function typed(bytes: Buffer): void {
    if (bytes.includes(INTERRUPT_KEY)) end({ reason: runner.EndReason.EXITED, signal: 'SIGINT' });
    else if (bytes.length > 0) write('stdout', bytes);
  }

  function signalled(name: string): void {
    if (has('passes no signal on')) return;
    const code = name === 'SIGKILL' ? 137 : 143;
    const how = has('tells signals as exit codes') ? { exitCode: code } : { signal: name };
    end({ reason: runner.EndReason.EXITED, ...how });
  }

  async function howItEnds(): Promise<End> {
    const timer = endAfter(limits.wallTimeMs, runner.EndReason.WALL_TIME);
    try {
      const exitCode = await Promise.race([program(run), stopped]);
      return { reason: runner.EndReason.EXITED, exitCode: has('loses the exit code') ? 0 : exitCode };
    } catch {
      return await stopped.catch((reason: End) => reason);
    } finally {
      over = true;
      clearTimeout(timer);
    }
  }

  return {
    take(message) {
      if (message.$case === 'stdin' && !has('loses input that comes later')) deliver(message.value);
      else if (message.$case === 'closeStdin') input.push(null);
      else if (message.$case === 'signal') signalled(message.value.name);
    },
    abandon: () => end({ reason: runner.EndReason.EXITED, signal: 'SIGKILL' }),
    async finish() {
      say({ $case: 'started', value: {} });
      deliver(start.stdin);
      if (!start.keepStdinOpen) input.push(null);
      const ended = await howItEnds();
      if (has('keeps output until the end')) {
        tell('stdout', kept.stdout);
        tell('stderr', kept.stderr);
      }
      const exited = toExited(ended, performance.now() - startedAt, has);
      const filesCome = !has('forgets produced files');
      const rest = has('sends files after the end') ? [exited, ...produced] : [...(filesCome ? produced : []), exited];
      for (const message of rest) say(message);
      // Timers of one length end in the order in which they began.
      if (has('sends everything late')) await sleep(LATE_MS);
    },
  };
}

function toExited(end: End, wallTimeMs: number, has: (fault: Fault) => boolean): Response {
  const reason = has('calls every end the program’s own') ? runner.EndReason.EXITED : end.reason;
  const value = runner.Exited.fromPartial({
    ...end,
    reason,
    wallTimeMs: Math.round(wallTimeMs),
    cpuTimeMs: 0,
    isolation: 'none',
  });
  return { $case: 'exited', value };
}
