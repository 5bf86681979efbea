/** The programs that every language has, each with the same behaviour, and what a language says that it cannot do. */
import { readdir, readFile } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { z } from 'zod';
import { CheckFailure, expect } from './failure.js';

export const PROGRAMS = [
  'hello',
  'stdin',
  'args',
  'env',
  'exit',
  'crash',
  'stream',
  'spin',
  'flood',
  'memory',
  'files',
  'broken',
] as const;

export type ProgramName = (typeof PROGRAMS)[number];

/** Where the reasons may be: a language of this repository has them in its manifest. */
const REASON_FILES = ['runner.json', 'cannot.json'];
const reasonsSchema = z.object({ cannot: z.partialRecord(z.enum(PROGRAMS), z.string().min(1)).default({}) });

export interface Programs {
  /** Why the language cannot have this program, or undefined when it must. */
  cannot(program: ProgramName): string | undefined;
  /** Its source. @throws CheckFailure when there is none. */
  source(program: ProgramName): Promise<Buffer>;
}

/** @throws CheckFailure when there are no programs, or the reasons cannot be read. */
export async function openPrograms(programsDir: string, language: string): Promise<Programs> {
  const reasons = await readReasons(join(programsDir, language));
  const folder = join(programsDir, language, 'programs');
  const files = await readdir(folder).catch(() => undefined);
  expect(files !== undefined, `there are no programs for it: no folder ${folder}`);
  return {
    cannot: (program) => reasons[program],
    async source(program) {
      const found = files.filter((file) => parse(file).name === program);
      const [file] = found;
      expect(file !== undefined, `there is no program ${program} in ${folder}, and no reason why not`);
      expect(found.length === 1, `there are several programs ${program} in ${folder}: ${found.join(', ')}`);
      return readFile(join(folder, file));
    },
  };
}

async function readReasons(folder: string): Promise<Partial<Record<ProgramName, string>>> {
  const reasons = {};
  for (const name of REASON_FILES) {
    const path = join(folder, name);
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text !== undefined) Object.assign(reasons, parseReasons(path, text));
  }
  return reasons;
}

function parseReasons(path: string, text: string): Partial<Record<ProgramName, string>> {
  try {
    return reasonsSchema.parse(JSON.parse(text)).cannot;
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
    throw new CheckFailure(`${path}: ${why}`);
  }
}
