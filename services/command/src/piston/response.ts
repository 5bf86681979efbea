/** A job's result as Piston tells it: two stages, and how each ended in two letters. */
import { constants } from 'node:os';
import type { JobView, Result } from '@runlane/core';
import type { KnownLanguage } from '../languages.js';

/** One stage. Times are in milliseconds, memory in bytes; null where it does not apply. */
interface PistonStage {
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
  /** Both streams, in the order in which they came. */
  readonly output: string;
  readonly memory: number | null;
  readonly message: string | null;
  readonly status: 'RE' | 'SG' | 'TO' | 'OL' | 'EL' | 'XX' | null;
  readonly cpu_time: number | null;
  readonly wall_time: number | null;
}

export interface PistonResult {
  readonly compile?: PistonStage;
  readonly run: PistonStage;
  readonly language: string;
  readonly version: string;
}

type Ending = Pick<PistonStage, 'signal' | 'code' | 'message' | 'status'>;

const KILLED = { code: null, signal: 'SIGKILL' } as const;
const WELL: Ending = { signal: null, code: 0, message: null, status: null };

/** A job that has ended. */
export type Ended = JobView & { readonly result: Result };

/** @param output both streams as they came; undefined where that is not known any more. */
export function toPistonResult(ended: Ended, output: string | undefined, language: KnownLanguage): PistonResult {
  const compile = language.compiled ? toCompileStage(ended.result) : undefined;
  const run = compile && ended.result.status === 'compile_failed' ? compile : toRunStage(ended, output, language);
  return { ...(compile && { compile }), run, language: language.name, version: language.version };
}

function toRunStage(ended: Ended, output: string | undefined, language: KnownLanguage): PistonStage {
  const { result } = ended;
  const stdout = textOf(result.stdout);
  const stderr = textOf(result.stderr);
  const { signal, code, message, status } = endingOf(ended, language);
  return {
    signal,
    stdout,
    stderr,
    code,
    output: output ?? stdout + stderr,
    memory: result.memoryPeakBytes,
    message,
    status,
    cpu_time: result.cpuTimeMs,
    wall_time: result.wallTimeMs,
  };
}

function toCompileStage({ compile, status, message }: Result): PistonStage {
  const stderr = textOf(compile?.diagnostics ?? new Uint8Array());
  // Ended by us: for its time or its memory, as the message tells.
  const cutOff: Ending = { ...KILLED, status: 'TO', message: message ?? 'Time limit exceeded' };
  const ending = status === 'compile_failed' && compile?.exitCode == null ? cutOff : exitOf(compile?.exitCode ?? 0);
  return {
    signal: ending.signal,
    stdout: '',
    stderr,
    code: ending.code,
    output: stderr,
    memory: null,
    message: ending.message,
    status: ending.status,
    cpu_time: null,
    wall_time: compile?.wallTimeMs ?? null,
  };
}

/** How a program ended: `code` and `signal` as the WebSocket tells them too. */
export function endingOf({ job, result }: Ended, { defaultLimits }: KnownLanguage): Ending {
  switch (result.status) {
    case 'succeeded':
      return WELL;
    case 'failed':
      return result.signal === null ? exitOf(result.exitCode ?? 1) : killedBy(result.signal);
    case 'timed_out': {
      const { cpuTimeMs = Number.POSITIVE_INFINITY } = { ...defaultLimits, ...job.program.limits };
      const which = result.cpuTimeMs >= cpuTimeMs ? '' : ' (wall clock)';
      return { ...KILLED, status: 'TO', message: `Time limit exceeded${which}` };
    }
    case 'memory_exceeded':
      return killedBy('SIGKILL');
    case 'output_exceeded':
      return result.stdoutTruncated
        ? { ...KILLED, status: 'OL', message: 'stdout length exceeded' }
        : { ...KILLED, status: 'EL', message: 'stderr length exceeded' };
    default:
      return { signal: null, code: null, status: 'XX', message: result.message ?? `the job ended: ${result.status}` };
  }
}

function exitOf(code: number): Ending {
  return code === 0 ? WELL : { signal: null, code, message: `Exited with error status ${code}`, status: 'RE' };
}

function killedBy(signal: string): Ending {
  const number = constants.signals[signal as NodeJS.Signals] ?? 0;
  return { signal, code: null, message: `Caught fatal signal ${number}`, status: 'SG' };
}

const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
