/** A folder of programs for the languages of the fake runner: each program's source is its name. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROGRAMS, type ProgramName } from '../programs.js';

export interface ProgramsFolder {
  readonly path: string;
  remove(): Promise<void>;
}

export async function makePrograms(
  languages: Readonly<Record<string, { without?: readonly ProgramName[]; cannot?: Record<string, string> }>>,
): Promise<ProgramsFolder> {
  const path = await mkdtemp(join(tmpdir(), 'runlane-programs-'));
  for (const [language, { without = [], cannot }] of Object.entries(languages)) {
    const folder = join(path, language, 'programs');
    await mkdir(folder, { recursive: true });
    const present = PROGRAMS.filter((program) => !without.includes(program));
    for (const program of present) await writeFile(join(folder, `${program}.txt`), program);
    if (cannot) await writeFile(join(path, language, 'cannot.json'), JSON.stringify({ cannot }));
  }
  return { path, remove: () => rm(path, { recursive: true }) };
}
