/** `runlane languages`: which languages programs may be in, and, as root on Debian, installing more of them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { createClient, type Language, RunlaneError } from '@runlane/client';
import { type Called, command, LANGUAGES_DIR, UsageError } from './command.js';
import { type Manifest, readManifestsOf } from './manifests.js';
import { explain, SERVER_HELP, SERVER_OPTIONS, serverUrl } from './server.js';
import { table } from './table.js';

const ANSWER_MS = 5_000;

const help = `Usage: runlane languages [--server URL] [--json]
       runlane languages install NAME… [--yes]

Lists the languages that a running server has, their versions, and why one cannot be used.

  --json                print one JSON document instead of a table
${SERVER_HELP}

install: installs the Debian packages of languages, by name or alias; "all" means every one of this checkout.

  --yes                 do not ask first

Exit code: 0 when that was done, 1 when it was not (no server, not agreed to, not root, apt-get failed), 2 when it was
called wrongly.
`;

const options = { ...SERVER_OPTIONS, json: { type: 'boolean' }, yes: { type: 'boolean' } } as const;

export const languages = command({ summary: 'list the languages, and install more', help, options, run });

async function run({ values, words, rest }: Called<typeof options>): Promise<number> {
  const { server, json = false, yes = false } = values;
  const [action, ...names] = [...words, ...rest];
  if (action === undefined) {
    if (yes) throw new UsageError('--yes goes with install');
    return list(serverUrl(server), json);
  }
  if (action !== 'install') throw new UsageError(`"${action}" is nothing that it does; to list, give no word`);
  if (server !== undefined || json) throw new UsageError('install takes neither --server nor --json');
  return install(chosen(names, await readManifests()), yes);
}

async function list(server: string, json: boolean): Promise<number> {
  const answer = await ask(server);
  if ('problem' in answer) return listManifests(answer.problem, json);
  process.stdout.write(json ? `${JSON.stringify(answer, undefined, 2)}\n` : offered(answer.languages));
  return 0;
}

async function ask(server: string): Promise<{ readonly languages: Language[] } | { readonly problem: string }> {
  const signal = AbortSignal.timeout(ANSWER_MS);
  try {
    // No more is checked: a server of another version may tell more, or less, than this one knows of.
    return { languages: await createClient({ server, retryForMs: 0 }).languages({ signal }) };
  } catch (error) {
    if (error instanceof RunlaneError) return { problem: explain(error) };
    if (signal.aborted) return { problem: `no answer from ${server} within ${ANSWER_MS / 1_000} s` };
    throw error;
  }
}

/** A line for each language, its versions together. */
function offered(all: readonly Language[]): string {
  const rows = [...new Set(all.map(({ name }) => name))].map((name) => {
    const versions = all.filter((language) => language.name === name);
    const { title = '', unavailableReason = 'not available' } = versions[0] ?? {};
    const known = versions.map(({ version }) => version).filter((version) => version !== '');
    const state = versions.some(({ available }) => available) ? 'available' : unavailableReason;
    return [name, title, known.join(', ') || '–', state];
  });
  return table([['name', 'title', 'versions', 'state'], ...rows]);
}

/** What can be said without a server. It is not what was asked for, so it is no success. */
async function listManifests(problem: string, json: boolean): Promise<number> {
  const manifests = await readManifests();
  process.stderr.write(
    `runlane languages: ${problem}\n` +
      'Without one, this checkout tells which languages there could be, not which are installed.\n',
  );
  const known = manifests.map(({ name, title, aliases = [], packages = [] }) => ({ name, title, aliases, packages }));
  const rows = known.map(({ name, title, aliases, packages }) => [name, title, aliases.join(', '), packages.join(' ')]);
  const text = table([['name', 'title', 'also called', 'Debian packages'], ...rows]);
  process.stdout.write(json ? `${JSON.stringify({ languages: known }, undefined, 2)}\n` : `\n${text}`);
  return 1;
}

/** The manifests of this checkout. One that cannot be read is said, and is no harm to the others. */
async function readManifests(): Promise<Manifest[]> {
  const { manifests, problems } = await readManifestsOf(LANGUAGES_DIR);
  for (const problem of problems) process.stderr.write(`runlane languages: left out: ${problem}\n`);
  return manifests;
}

/** @throws UsageError naming what is unknown, and what there is. */
function chosen(names: readonly string[], manifests: readonly Manifest[]): Manifest[] {
  if (names.length === 0) throw new UsageError('install what? Name languages, or say "all"');
  const isCalled = ({ name, aliases = [] }: Manifest, asked: string) => name === asked || aliases.includes(asked);
  const wanted = names.map((name) => name.toLowerCase());
  const unknown = wanted.filter((name) => name !== 'all' && !manifests.some((manifest) => isCalled(manifest, name)));
  if (unknown.length > 0) {
    const known = manifests.map(({ name }) => name).join(', ');
    throw new UsageError(`unknown: ${unknown.join(', ')}. There are: ${known}`);
  }
  return manifests.filter((manifest) => wanted.some((name) => name === 'all' || isCalled(manifest, name)));
}

async function install(wanted: readonly Manifest[], yes: boolean): Promise<number> {
  process.stdout.write(
    table(wanted.map(({ name, packages = [] }) => [name, packages.join(' ') || 'no package known'])),
  );
  const packages = [...new Set(wanted.flatMap((manifest) => manifest.packages ?? []))];
  if (packages.length === 0) return refuse('there is nothing to install');
  const words = ['install', '--yes', '--no-install-recommends', ...packages];
  const command = `apt-get ${words.join(' ')}`;

  const aptGet = findOnPath('apt-get');
  if (!aptGet) return refuse(`there is no apt-get here. Those are Debian's packages: ${packages.join(' ')}`);
  if (process.getuid?.() !== 0) return refuse(`only root may install. As root it is:\n\n  sudo ${command}`);
  process.stdout.write(`\n${command}\n\n`);
  if (!yes && !(await agreed())) return refuse('nothing was installed; --yes does it without asking');

  // No input: packages that have questions then take their own answers.
  const child = spawn(aptGet, words, { stdio: ['ignore', 'inherit', 'inherit'] });
  const [code, signal] = await once(child, 'exit');
  if (code !== 0)
    return refuse(`apt-get ended with ${signal ?? `exit code ${code}`}; \`apt-get update\` may be what it lacks`);
  process.stdout.write('\nInstalled. Restart the runner, or `npm start`: it looks for languages when it starts.\n');
  return 0;
}

function refuse(reason: string): number {
  process.stderr.write(`runlane languages install: ${reason}\n`);
  return 1;
}

/** Asks a person; nobody there, or the end of input, is a no. */
async function agreed(): Promise<boolean> {
  if (!process.stdin.isTTY) return false;
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    // A question whose input ends, or is interrupted, is not always answered: then the interface closes.
    const closed = once(lines, 'close').then(() => '');
    const answer = await Promise.race([lines.question('Install them? [y/N] ').catch(() => ''), closed]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    lines.close();
  }
}

function findOnPath(program: string): string | undefined {
  const paths = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, program));
  return paths.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
