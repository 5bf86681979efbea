/** A program as the page has it in hand, and as the server takes it. */
import type { NewJob } from '@runlane/client';
import { parseArgs } from './args.js';

export interface SourceFile {
  readonly path: string;
  readonly content: string;
}

/** How the program gets its input: all of it beforehand, typed while it runs, or typed into a terminal. */
export const TALKS = ['before', 'live', 'terminal'] as const;
export type Talk = (typeof TALKS)[number];

export interface Program {
  readonly language: string;
  /** Empty: the default one of the server. */
  readonly version: string;
  /** At least one. */
  readonly files: readonly SourceFile[];
  /** Path of the file to start. */
  readonly entry: string;
  readonly stdin: string;
  /** As typed: words, with quotes as a shell has them. */
  readonly args: string;
  readonly talk: Talk;
  /** Seconds, and MiB; undefined: what the server takes. */
  readonly timeLimit?: number | undefined;
  readonly memoryLimit?: number | undefined;
}

interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** Of a terminal that is not on the page. */
const USUAL_SIZE: TerminalSize = { rows: 24, columns: 80 };

/** For a program that somebody talks to. */
export interface Talked {
  readonly size?: TerminalSize | undefined;
  /** Time that it gets when none is chosen: people type slowly. */
  readonly wallTimeMs?: number | undefined;
}

/**
 * @param usualPath the name that the server gives to a program in one file: such a program is sent as `code`.
 * @throws Error when the arguments are not words.
 */
export function toNewJob(program: Program, usualPath: string | undefined, talked: Talked = {}): NewJob {
  const { language, version, files, entry, stdin, talk } = program;
  const [only] = files;
  const args = parseArgs(program.args);
  const limits = limitsOf(program, talked.wallTimeMs);
  return {
    language,
    ...(version && { version }),
    ...(only && files.length === 1 && only.path === usualPath ? { code: only.content } : { files: [...files], entry }),
    ...(stdin && { stdin }),
    ...(args.length > 0 && { args }),
    ...(limits && { limits }),
    ...(talk !== 'before' && { interactive: talk === 'terminal' ? { terminal: talked.size ?? USUAL_SIZE } : {} }),
  };
}

function limitsOf({ talk, timeLimit, memoryLimit }: Program, talkedMs: number | undefined): NewJob['limits'] {
  const usualMs = talk === 'before' ? undefined : talkedMs;
  const wallTimeMs = timeLimit === undefined ? usualMs : Math.round(timeLimit * 1_000);
  if (wallTimeMs === undefined && memoryLimit === undefined) return undefined;
  return {
    ...(wallTimeMs !== undefined && { wallTimeMs }),
    ...(memoryLimit !== undefined && { memoryBytes: Math.round(memoryLimit * 1024 * 1024) }),
  };
}
