/** The runs of this browser, newest first: bounded in number and in size, so that the browser's storage is never full of them. */
import { type Program, TALKS } from './program.js';

export interface PastRun {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly status: string;
  readonly wallTimeMs?: number | undefined;
  readonly program: Program;
}

const MAX_RUNS = 30;
/** Of all of them as JSON. */
const MAX_CHARS = 500_000;

export function withRun(runs: readonly PastRun[], run: PastRun): PastRun[] {
  const kept: PastRun[] = [];
  let chars = 0;
  for (const each of [run, ...runs.filter(({ id }) => id !== run.id)]) {
    chars += JSON.stringify(each).length;
    if (kept.length === MAX_RUNS || chars > MAX_CHARS) break;
    kept.push(each);
  }
  return kept;
}

export function isProgram(value: unknown): value is Program {
  if (typeof value !== 'object' || value === null) return false;
  const { language, version, files, entry, stdin, args, talk } = value as Record<string, unknown>;
  const texts = [language, version, entry, stdin, args].every((text) => typeof text === 'string');
  return (
    texts && TALKS.some((each) => each === talk) && Array.isArray(files) && files.length > 0 && files.every(isFile)
  );
}

function isFile(value: unknown): boolean {
  const { path, content } = (value ?? {}) as Record<string, unknown>;
  return typeof path === 'string' && typeof content === 'string';
}

export function isPast(value: unknown): value is PastRun[] {
  return (
    Array.isArray(value) &&
    value.every((run: unknown) => {
      const { id, at, status, program } = (run ?? {}) as Record<string, unknown>;
      return typeof id === 'string' && typeof at === 'number' && typeof status === 'string' && isProgram(program);
    })
  );
}
