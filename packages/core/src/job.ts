/** The words of a job. What happens to one, in order: `job-state.ts`; where it is kept: `job-store.ts`. */

import { FINAL_STATUSES, type FinalStatus, type JobPriority, STATUSES, type Status } from '@runlane/contract';
import type { CaseResult, Judge, JudgingSummary, TestCase } from './judging.js';
import type { TracePlace } from './tracing/tracing.js';

/** A lower-case UUIDv7: its order is the order of acceptance. */
export type JobId = string;

/** The time that is in an id, in milliseconds since the epoch. */
export const acceptedAtMsOf = (id: JobId): number => Number.parseInt(id.replace('-', '').slice(0, 12), 16);

/** Who a job belongs to; `anonymous` until there are API keys. */
export type OwnerId = string;

export const ANONYMOUS: OwnerId = 'anonymous';

/** One file of a program; `path` is relative, with "/" between its parts. */
export interface SourceFile {
  readonly path: string;
  readonly content: Uint8Array;
}

/** What compiling may use. */
export interface CompileLimits {
  readonly wallTimeMs?: number;
  readonly cpuTimeMs?: number;
  readonly memoryBytes?: number;
}

/** What a run may use; what is not set is the language's default. Meaning of each: `Limits` in `types.proto`. */
export interface Limits extends CompileLimits {
  readonly outputBytes?: number;
  readonly processes?: number;
  readonly openFiles?: number;
  readonly fileBytes?: number;
  readonly diskBytes?: number;
  readonly inodes?: number;
  readonly producedFiles?: number;
  readonly producedBytes?: number;
  readonly compile?: CompileLimits;
}

/** The size of a terminal, in characters. */
export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** How somebody talks to a program while it runs: through a terminal of this size, or pipes. */
export interface Interactive {
  readonly terminal?: TerminalSize;
}

/** A program and how to run it, checked: paths are safe, sizes within bounds, the language's name is not an alias. */
export interface Program {
  readonly language: string;
  /** A version or a range of them, as asked for; "" for the runner's default. What it means: `chooseVersion`. */
  readonly version: string;
  readonly files: readonly SourceFile[];
  /** Path of the file to start, one of `files`. */
  readonly entry: string;
  readonly stdin: Uint8Array;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly limits: Limits;
  /** Its standard input stays open for somebody attached; absent where it ends with `stdin`. */
  readonly interactive?: Interactive;
  /** Test mode: both are there, or neither. */
  readonly cases?: readonly TestCase[];
  readonly judge?: Judge;
}

/** What was accepted. It never changes: all that happens to it later is a fact of its own. */
export interface Job {
  readonly id: JobId;
  readonly ownerId: OwnerId;
  /** The batch that it was submitted in, if any. */
  readonly batchId?: string;
  readonly program: Program;
  readonly metadata?: Readonly<Record<string, string>>;
  /** `batch`: it may wait behind others of its owner; jobs of batches do anyway. */
  readonly priority?: JobPriority;
  /** Not run before this time, in milliseconds since the epoch. */
  readonly notBeforeAtMs?: number;
  /** Who is told when it has ended, if anybody: `callbacks.ts`. */
  readonly callbackUrl?: string;
  /** Where all that is done for it is put, if it is traced: here, not in a queue, which may be lost. */
  readonly trace?: TracePlace;
  readonly createdAtMs: number;
}

export { FINAL_STATUSES, type FinalStatus, type JobPriority, STATUSES, type Status };

/** What a compiler said; diagnostics are bytes, as it wrote them. */
export interface CompileResult {
  readonly exitCode: number | null;
  readonly diagnostics: Uint8Array;
  readonly wallTimeMs: number;
}

/** A file that a program left in its folder "out"; its bytes are in the `ArtifactStore`. */
export interface ProducedFile {
  /** Relative, with "/" between its parts. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly contentType: string;
  /** Of its bytes, and where they are kept. */
  readonly sha256: string;
}

/** What a program left when it ended. Output is bytes: a program need not write UTF-8. */
export interface ProgramEnd {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  readonly stdoutTruncated: boolean;
  readonly stderrTruncated: boolean;
}

/** How a run ended. */
export interface Result extends ProgramEnd {
  readonly status: FinalStatus;
  readonly wallTimeMs: number;
  readonly cpuTimeMs: number;
  readonly memoryPeakBytes: number;
  /** What kept the program apart; "" when nothing ran. */
  readonly isolation: string;
  readonly message?: string;
  readonly compile?: CompileResult;
  /** In the byte order of their paths; absent when there are none. */
  readonly files?: readonly ProducedFile[];
  /** Files that did not come back; absent when all did. */
  readonly filesOmitted?: number;
  /** Of test mode: every case, in the job's order, and all of them together. */
  readonly cases?: readonly CaseResult[];
  readonly summary?: JudgingSummary;
  /** Why the checker, not the program, was refused by its compiler. */
  readonly checkerCompile?: CompileResult;
}

const NOTHING = new Uint8Array();

/** The result of a job whose program did not run (to its end). */
export function resultWithoutRun(
  status: FinalStatus,
  more: Partial<Omit<Result, 'status'>> & { readonly message?: string } = {},
): Result {
  return {
    status,
    exitCode: null,
    signal: null,
    stdout: NOTHING,
    stderr: NOTHING,
    stdoutTruncated: false,
    stderrTruncated: false,
    wallTimeMs: 0,
    cpuTimeMs: 0,
    memoryPeakBytes: 0,
    isolation: '',
    ...more,
  };
}

/** The two stages of a job, each a queue: keep and prepare the source (`code-save`), run it (`code-exec`). */
export const STAGES = ['save', 'exec'] as const;

export type Stage = (typeof STAGES)[number];

/** A job with what has become of it. */
export interface JobView {
  readonly job: Job;
  readonly status: Status;
  /** The execution attempt that runs or made the result, from 1; 0 before the first. */
  readonly attempt: number;
  readonly startedAtMs?: number;
  readonly finishedAtMs?: number;
  readonly result?: Result;
}
