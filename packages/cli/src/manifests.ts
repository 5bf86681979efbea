/** The languages that a folder has manifests of. Not by the runner host's own reader: that would load the whole host. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What these commands need of a language's `runner.json`. */
export interface Manifest {
  readonly name: string;
  readonly title: string;
  readonly aliases?: readonly string[];
  readonly packages?: readonly string[];
}

export interface FoundManifests {
  readonly manifests: Manifest[];
  /** File and reason of each that cannot be read. */
  readonly problems: string[];
}

export async function readManifestsOf(folder: string): Promise<FoundManifests> {
  const manifests: Manifest[] = [];
  const problems: string[] = [];
  for (const name of (await readdir(folder)).sort()) {
    const text = await readFile(join(folder, name, 'runner.json'), 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    try {
      manifests.push(checked(JSON.parse(text)));
    } catch (error) {
      problems.push(`${name}/runner.json: ${(error as Error).message}`);
    }
  }
  return { manifests, problems };
}

function checked(content: unknown): Manifest {
  const { name, title, aliases = [], packages = [] } = (content ?? {}) as Record<string, unknown>;
  const isTexts = (value: unknown): value is string[] =>
    Array.isArray(value) && value.every((each) => typeof each === 'string');
  if (typeof name !== 'string' || typeof title !== 'string' || !isTexts(aliases) || !isTexts(packages))
    throw new Error('it must have a name and a title, and lists of texts as aliases and packages');
  return { name, title, aliases, packages };
}
