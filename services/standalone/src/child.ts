/** A process that is kept running: started again when it ends by itself, stopped in order when it is to end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ChildOptions {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Whether it prints `{"ready": true, …}` on standard output when it serves. */
  readonly announces: boolean;
  /** Called when it ended unasked and is about to be started again. */
  readonly onRestart: (name: string, how: string) => void;
}

export interface Child {
  /** What it said when it was ready for the first time. Rejects when it ends before. */
  readonly ready: Promise<Record<string, unknown>>;
  /** Rejects when it ends before it was ready, or without ever having been well. */
  readonly failed: Promise<never>;
  /** SIGTERM, then SIGKILL after `graceMs` milliseconds. */
  stop(graceMs: number): Promise<void>;
}

/** How a child ended before it was ready. */
export class EndedError extends Error {
  override readonly name = 'EndedError';
  constructor(
    message: string,
    /** Undefined: it was ended by a signal, or never started. */
    readonly exitCode: number | undefined,
  ) {
    super(message);
  }
}

/** Pause before the first restart and the longest, in milliseconds. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** Having run this long, in milliseconds, it counts as well again. */
const WELL_AFTER_MS = 10_000;

export function keepRunning({ name, program, args, env, announces, onRestart }: ChildOptions): Child {
  const stopping = new AbortController();
  let current: ChildProcess;
  const endedError = (how: string) => new EndedError(`${name} ${how}`, current.exitCode ?? undefined);

  function start(): { process: ChildProcess; ready: Promise<Record<string, unknown>>; ended: Promise<string> } {
    // A group of its own: Ctrl-C goes to the supervisor alone, which stops its children in order.
    const process = spawn(program, args, { env, detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = new Promise<string>((resolve) => {
      process.once('error', (error) => resolve(error.message));
      process.once('exit', (code, signal) =>
        resolve(signal ? `was ended by ${signal}` : `ended with exit code ${code}`),
      );
    });
    const lines = createInterface({ input: process.stdout });
    const said = announces ? firstReadyLine(lines) : Promise.resolve({});
    lines.on('line', () => undefined);
    const ready = Promise.race([said, ended.then((how) => Promise.reject(endedError(how)))]);
    ready.catch(() => undefined);
    current = process;
    return { process, ready, ended };
  }

  async function keep(first: ReturnType<typeof start>): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS;
    for (let run = first; ; run = start()) {
      const startedAtMs = performance.now();
      const how = await run.ended;
      if (stopping.signal.aborted) return;
      if (performance.now() - startedAtMs > WELL_AFTER_MS) pauseMs = FIRST_PAUSE_MS;
      onRestart(name, how);
      await sleep(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      if (stopping.signal.aborted) return;
    }
  }

  const first = start();
  // What ends right after its first start is not tried again: its message says what to do.
  const failed = first.ended.then((how): Promise<never> => {
    if (stopping.signal.aborted) return new Promise(() => undefined);
    return Promise.reject(endedError(how));
  });
  failed.catch(() => undefined);
  const kept = first.ready.then(
    () => keep(first),
    () => undefined,
  );

  return {
    ready: first.ready,
    failed,
    async stop(graceMs) {
      stopping.abort();
      if (current.exitCode === null && current.signalCode === null && current.pid !== undefined) {
        const exited = once(current, 'exit');
        current.kill('SIGTERM');
        await Promise.race([exited, sleep(graceMs, undefined, { ref: false })]);
        if (current.exitCode === null && current.signalCode === null) current.kill('SIGKILL');
        await exited;
      }
      await kept;
    },
  };
}

async function firstReadyLine(lines: AsyncIterable<string> & NodeJS.EventEmitter): Promise<Record<string, unknown>> {
  return new Promise((resolve) => {
    lines.on('line', (line: string) => {
      if (line.startsWith('{"ready"')) resolve(JSON.parse(line) as Record<string, unknown>);
    });
  });
}
