/** The tools of every language that has a manifest: Debian packages, hundreds of megabytes together. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Availability, installPackages, prepareAsRoot, ROOT } from './programs.js';

const FOLDER = join(ROOT, 'services/runners');
/** Whoever works on one of them has it already. */
const WANTED = process.env.CI === 'true';
/** The runner's own way of looking, given the tools of each language: names of those that are not here. */
const LOOK = `
import json, sys
sys.path.insert(0, sys.argv[1])
from jail.toolchains import find_toolchains
print(json.dumps([name for name, tools in json.load(sys.stdin).items() if not find_toolchains(tools)]))
`;

interface Needs {
  readonly name: string;
  readonly tools: Readonly<Record<string, readonly string[]>>;
  readonly packages: readonly string[];
}

/** Whether all of them are here. */
export function findLanguages(): Availability {
  const lacking = findLacking().map(({ name }) => name);
  if (lacking.length === 0) return { path: FOLDER };
  const how = WANTED ? '' : ' (CI=true npm test, as root, installs them)';
  return { missing: `the tools of these languages are not installed: ${lacking.join(', ')}${how}` };
}

export async function prepareLanguages(log: (line: string) => void): Promise<Availability> {
  const packages = [...new Set(findLacking().flatMap((each) => each.packages))];
  if (!WANTED) return findLanguages();
  return prepareAsRoot('languages', packages, findLanguages, () => installPackages(packages, log));
}

function findLacking(): Needs[] {
  const all = readdirSync(FOLDER).flatMap((folder): Needs[] => {
    try {
      return [JSON.parse(readFileSync(join(FOLDER, folder, 'runner.json'), 'utf8'))];
    } catch {
      return []; // no language
    }
  });
  const tools = Object.fromEntries(all.map((each) => [each.name, each.tools]));
  const words = ['-I', '-S', '-c', LOOK, join(FOLDER, 'host')];
  const said = execFileSync('/usr/bin/python3', words, { input: JSON.stringify(tools), encoding: 'utf8' });
  const names: string[] = JSON.parse(said);
  return all.filter(({ name }) => names.includes(name));
}
