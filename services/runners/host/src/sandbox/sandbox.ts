/**
 * Where a program runs, apart from everything else: used once, by one run. `jail/` is the first driver.
 * Every driver promises the same: nothing of the host is visible inside, and when `close` resolves or `events` ends,
 * no process of the run is left.
 */

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
}

interface RunFile {
  /** Relative, checked. */
  readonly path: string;
  readonly content: Uint8Array;
  readonly executable: boolean;
}

export interface RunRequest {
  /** The program's words, the first an absolute path inside the sandbox. Never a shell line. */
  readonly argv: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly files: readonly RunFile[];
  readonly limits: RunLimits;
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
}

export type RunEvent =
  | { readonly kind: 'started' }
  | { readonly kind: 'stdout' | 'stderr'; readonly data: Buffer }
  | { readonly kind: 'exited'; readonly end: RunEnd };

export const RUN_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGKILL'] as const;
export type RunSignal = (typeof RUN_SIGNALS)[number];

/** A sandbox that is ready, then the run in it. */
export interface Run {
  /** Start the program. */
  go(): void;
  /** Give it standard input; resolves when more may be given. */
  writeStdin(bytes: Uint8Array): Promise<void>;
  closeStdin(): void;
  signal(name: RunSignal): void;
  /**
   * What happens, `exited` last. Read slowly, the program itself is slowed; ended early, it is killed.
   * @throws SandboxError when the sandbox went away without a verdict.
   */
  events(): AsyncGenerator<RunEvent, void, undefined>;
  /** Kill whatever is left and free the sandbox; may be called at any time, more than once. */
  close(): void;
}

export interface Layer {
  readonly name: string;
  readonly holds: boolean;
  readonly needed: boolean;
  readonly detail: string;
}

export interface SandboxDescription {
  readonly driver: string;
  /** Short form that is stored with each result. */
  readonly summary: string;
  readonly layers: readonly Layer[];
  readonly weak: boolean;
  /** Such as "linux/x64". */
  readonly platform: string;
  /** Language → path of its interpreter or compiler inside. */
  readonly tools: Readonly<Record<string, string>>;
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
  /** Resolves when the driver has stopped working by itself, with what is known about why. */
  readonly lost: Promise<Error>;
  close(): Promise<void>;
}

/** We could not give the program a sandbox, or lost it: never the program's fault. */
export class SandboxError extends Error {
  override readonly name = 'SandboxError';
}
