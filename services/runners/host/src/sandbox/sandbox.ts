/**
 * Where a program runs, apart from everything else: used once, by one run. `jail/` is the first driver.
 * Every driver promises the same: nothing of the host is visible inside, and when `close` resolves or `events` ends,
 * no process of the run is left.
 */
import { z } from 'zod';

/** What a run may use, every field set. Units as in `types.proto`. */
export interface RunLimits {
  readonly wallTimeMs: number;
  readonly cpuTimeMs: number;
  readonly memoryBytes: number;
  readonly outputBytes: number;
  readonly processes: number;
  readonly openFiles: number;
  readonly fileBytes: number;
  readonly diskBytes: number;
  readonly inodes: number;
  /** Of the files that come back. */
  readonly producedFiles: number;
  readonly producedBytes: number;
}

export interface RunFile {
  /** Relative, checked. */
  readonly path: string;
  readonly content: Uint8Array;
  readonly executable: boolean;
  /**
   * Where the same content may come again in other runs, what it is called, in letters, digits and "-": a sandbox may keep it by
   * that. Nothing else may ever have the same name.
   */
  readonly name?: string;
}

export interface RunRequest {
  /** Name of the language whose toolchain the command is of. */
  readonly language: string;
  /** The program's words, the first an absolute path inside the sandbox. Never a shell line. */
  readonly argv: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly files: readonly RunFile[];
  /** A folder of the working folder: it is there when the program starts, and what is in it at the end comes back. */
  readonly collect: string;
  readonly limits: RunLimits;
  /** The program's three streams are a terminal of this size, and what it writes is stdout; pipes where it is absent. */
  readonly terminal?: TerminalSize;
}

export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

export const END_REASONS = ['exited', 'wall', 'cpu', 'memory', 'output'] as const;

export interface RunEnd {
  readonly reason: (typeof END_REASONS)[number];
  readonly code: number | null;
  readonly signal: string | null;
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly memoryPeakBytes: number;
  readonly stdoutTruncated: boolean;
  readonly stderrTruncated: boolean;
  /** What of the folder collected did not come back: past the limits, or no plain files. */
  readonly filesOmitted: number;
}

export type RunEvent =
  | { readonly kind: 'started' }
  | { readonly kind: 'stdout' | 'stderr'; readonly data: Buffer }
  /** Part of a file that the program left. The parts of one follow each other; all come after the last output. */
  | { readonly kind: 'file'; readonly path: string; readonly executable: boolean; readonly data: Buffer }
  | { readonly kind: 'exited'; readonly end: RunEnd };

export const RUN_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGKILL'] as const;
export type RunSignal = (typeof RUN_SIGNALS)[number];

/** A sandbox that is ready, then the run in it. */
export interface Run {
  /** Start the program. */
  go(): void;
  /** Give it standard input; resolves when more may be given. */
  writeStdin(bytes: Uint8Array): Promise<void>;
  /** No more input; on a terminal, what its end-of-file key does. */
  closeStdin(): void;
  /** To the program; on a terminal, SIGINT to whoever is in the foreground. */
  signal(name: RunSignal): void;
  /** Of the terminal; without one, nothing. */
  resize(size: TerminalSize): void;
  /**
   * What happens, `exited` last. Read slowly, the program itself is slowed; ended early, it is killed.
   * @throws StartError when the command cannot be started; SandboxError when the sandbox went away without a verdict.
   */
  events(): AsyncGenerator<RunEvent, void, undefined>;
  /** Kill whatever is left and free the sandbox; may be called at any time, more than once. */
  close(): void;
}

/** A program that was started before its run was known, in a sandbox of its own, and waits in there for it. */
export interface Prelude {
  /**
   * Give it its run, once: of the request, files, words, variables and the limits of times and outputs count, and the others
   * must be those that it was started with.
   * @throws SandboxError when it has ended, or cannot take it.
   */
  take(request: RunRequest): Promise<Run>;
  /** Resolves when it is gone: taken, closed, or ended by itself. */
  readonly gone: Promise<void>;
  close(): void;
}

export interface Layer {
  readonly name: string;
  readonly holds: boolean;
  readonly needed: boolean;
  readonly detail: string;
}

/** Tool, as the manifest calls it → where it may be, in patterns. */
export type Tools = Readonly<Record<string, readonly string[]>>;

/** Language → its toolchains inside, the preferred one first; each is tool → its path. */
export const toolchainsSchema = z.record(z.string(), z.array(z.record(z.string(), z.string())));
export type Toolchain = z.infer<typeof toolchainsSchema>[string][number];

export interface SandboxDescription {
  readonly driver: string;
  /** Short form that is stored with each result. */
  readonly summary: string;
  readonly layers: readonly Layer[];
  readonly weak: boolean;
  /** Such as "linux/x64". */
  readonly platform: string;
  readonly toolchains: Readonly<Record<string, readonly Toolchain[]>>;
  /** Language → why it has no toolchain here, where there is more to say than that its tools are missing. */
  readonly problems: Readonly<Record<string, string>>;
  /** Whether it shows a folder with what toolchains have made once. */
  readonly toolchainsShown: boolean;
  /** What a program's environment holds in it before the language's and its own variables; nothing of the host's. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface Sandbox {
  readonly description: SandboxDescription;
  /**
   * Make a sandbox for one run.
   * @throws SandboxError when it could not be made; nothing was started.
   */
  open(request: RunRequest): Promise<Run>;
  /**
   * Start a program that waits for its run on descriptor 4, where the frames FILE, RUN and START come (`jail/frames.py`); absent
   * where the driver cannot. @throws SandboxError when it could not be started.
   */
  readonly openPrelude?: (request: RunRequest) => Promise<Prelude>;
  /** Resolves when the driver has stopped working by itself, with what is known about why. */
  readonly lost: Promise<Error>;
  close(): Promise<void>;
}

/** We could not give the program a sandbox, or lost it: never the program's fault. */
export class SandboxError extends Error {
  override readonly name = 'SandboxError';
}

/** Something that whoever runs the host has set cannot be used: no other sandbox is taken in its place. */
export class MisconfiguredError extends Error {
  override readonly name = 'MisconfiguredError';
}

/** The system refuses to start the command, and would again: its file is missing, say. Nothing has run. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

/** What the system says then. Its other reasons, such as a lack of memory, pass. */
const LASTING = [
  'Argument list too long',
  'Exec format error',
  'Is a directory',
  'No such file or directory',
  'Not a directory',
  'Permission denied',
  'Too many levels of symbolic links',
];

/** What the inside of a sandbox says of a run that failed, as an error. */
export function failedInside(message: string): SandboxError | StartError {
  const [said, , reason = ''] = /cannot start (.+): ([^:]+)$/.exec(message) ?? [];
  return said !== undefined && LASTING.includes(reason) ? new StartError(said) : new SandboxError(message);
}
