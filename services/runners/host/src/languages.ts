/** The languages of this host: each toolchain of a manifest that is here, with the version that it reports itself. */
import { createHash } from 'node:crypto';
import type { Log } from '@runlane/core';
import { fillCommand, fillVariables, OUT_FOLDER } from './command.js';
import { COMPILE_LIMITS, type LimitBounds } from './limits.js';
import {
  type BrokenManifest,
  boundsOf,
  type Manifest,
  type Manifests,
  needsSetup,
  setupFiles,
  withOwn,
} from './manifest.js';
import { type Ran, runOnce } from './run-once.js';
import type { RunLimits, RunRequest, Sandbox, Toolchain } from './sandbox/sandbox.js';
import type { Setups } from './setups.js';

/** Of what a tool wrote, in a reason. */
const MAX_QUOTED_CHARACTERS = 200;

export interface Language {
  readonly manifest: Manifest;
  readonly tools: Toolchain;
  readonly version: string;
  /** Names the toolchain and how it is called: what it makes is of no use to another. */
  readonly toolchain: string;
  /** What a program's environment holds before its own variables. */
  readonly environment: Readonly<Record<string, string>>;
  readonly bounds: LimitBounds;
  /** What compiling may use, at most and when nothing is asked for. */
  readonly compileLimits: RunLimits;
}

export interface Unavailable extends Pick<Manifest, 'name' | 'title' | 'aliases' | 'entry'> {
  readonly compiled: boolean;
  readonly reason: string;
  /** Nothing is wrong: it is not installed, or not ready yet. */
  readonly isExpected: boolean;
}

export interface Languages {
  /** The usual version of a language first. */
  available(): readonly Language[];
  unavailable(): readonly Unavailable[];
  /** A language by name, or else by alias, and by version exactly; the usual one where that is empty. */
  choose(name: string, version: string): Language | undefined;
}

interface Surroundings {
  readonly sandbox: Sandbox;
  readonly languagesDir: string;
  readonly setups: Setups;
  readonly log: Log;
}

const NOT_INSTALLED = 'not installed';
const BEING_SET_UP = 'its toolchain is being set up, which happens once: try again in a minute';

/**
 * Ask each toolchain for its version, in the sandbox; those that need something made first become available when it is.
 * A language that cannot be used is no reason not to start.
 */
export async function findLanguages({ usable, broken }: Manifests, surroundings: Surroundings): Promise<Languages> {
  const { sandbox, setups, log } = surroundings;
  const looked = await Promise.all(usable.map((manifest) => lookFor(manifest, surroundings)));
  const problems = new Map(looked.map(({ manifest, problem }) => [manifest, problem]));
  const ready = new Set<Language>();
  for (const language of looked.flatMap(({ languages }) => languages)) {
    const isMade = await setups.isMade(language);
    if (isMade || !needsSetup(language.manifest)) ready.add(language);
    if (!isMade && (needsSetup(language.manifest) || sandbox.openPrelude)) {
      problems.set(language.manifest, BEING_SET_UP);
      void setups.make(language).then(
        () => ready.add(language),
        (err: unknown) => {
          log.error({ err, toolchain: language.toolchain }, 'a toolchain could not be set up');
          problems.set(language.manifest, 'its toolchain could not be set up: the log of the runner says why');
        },
      );
    }
  }
  const all = looked.flatMap(({ languages }) => languages);
  const available = () => all.filter((language) => ready.has(language));
  return {
    available,
    unavailable: () => [
      ...[...problems]
        .filter(([manifest]) => !available().some((language) => language.manifest === manifest))
        .map(([manifest, reason]) => unavailable(manifest, reason)),
      ...broken.map(brokenOne),
    ],
    choose(name, version) {
      const fitting = available().filter((language) => version === '' || language.version === version);
      return (
        fitting.find(({ manifest }) => manifest.name === name) ??
        fitting.find(({ manifest }) => manifest.aliases.includes(name))
      );
    },
  };
}

function unavailable({ name, title, aliases, entry, compile }: Manifest, reason: string): Unavailable {
  const isExpected = reason === BEING_SET_UP || reason.startsWith(NOT_INSTALLED);
  return { name, title, aliases, entry, compiled: compile !== undefined, reason, isExpected };
}

function brokenOne({ name, reason }: BrokenManifest): Unavailable {
  return { name, title: name, aliases: [], entry: '', compiled: false, reason, isExpected: false };
}

interface Looked {
  readonly manifest: Manifest;
  readonly languages: readonly Language[];
  /** Why there is none, where there is none. */
  readonly problem: string;
}

async function lookFor(manifest: Manifest, { sandbox, languagesDir, log }: Surroundings): Promise<Looked> {
  const toolchains = sandbox.description.toolchains[manifest.name] ?? [];
  const found: Language[] = [];
  const problems: string[] = [];
  try {
    const files = await setupFiles(languagesDir, manifest);
    const identified = await Promise.all(toolchains.map((tools) => identify(manifest, tools, files, sandbox)));
    for (const each of identified) {
      if (typeof each === 'string') problems.push(each);
      else found.push(each);
    }
  } catch (reason) {
    problems.push(`its folder "setup" cannot be read: ${(reason as Error).message}`);
  }
  if (found.length > 0)
    for (const reason of problems) log.warn({ language: manifest.name, reason }, 'a toolchain is left out');
  return {
    manifest,
    languages: distinct(found),
    problem: problems[0] ?? sandbox.description.problems[manifest.name] ?? notInstalled(manifest),
  };
}

/** The language with the version that a toolchain says, or why it says none. */
async function identify(
  manifest: Manifest,
  tools: Toolchain,
  files: RunRequest['files'],
  sandbox: Sandbox,
): Promise<Language | string> {
  const bounds = boundsOf(manifest);
  const argv = fillCommand(manifest.version.argv, { tools });
  const { environment, platform } = sandbox.description;
  let asked: Ran;
  try {
    asked = await runOnce(sandbox, {
      language: manifest.name,
      argv,
      env: { ...environment, ...fillVariables(manifest.env, { tools }) },
      files,
      collect: OUT_FOLDER,
      limits: bounds.defaults,
    });
  } catch (reason) {
    return `its version cannot be asked for: ${(reason as Error).message}`;
  }
  const version = versionIn(asked, manifest.version.pattern);
  if (version === undefined) return unanswered(argv, asked, manifest.version.pattern);
  const toolchain = nameToolchain({ manifest, version, platform, tools, files });
  return {
    manifest,
    tools,
    version,
    toolchain,
    environment: { ...environment, ...fillVariables(manifest.env, { tools, toolchain }) },
    bounds,
    compileLimits: withOwn(COMPILE_LIMITS, manifest.compile?.limits ?? {}),
  };
}

/** What a tool says when it fails, such as its usage, is no version, whatever the pattern finds in it. */
function versionIn({ end, output }: Ran, pattern: string): string | undefined {
  if (end.reason !== 'exited' || end.code !== 0) return undefined;
  return new RegExp(pattern).exec(output.toString())?.[1] || undefined;
}

function unanswered(argv: readonly string[], { end, output }: Ran, pattern: string): string {
  const ended = end.reason === 'exited' ? `exited with ${end.code ?? end.signal}` : `met its limit (${end.reason})`;
  const line = output.toString().trim().split('\n')[0]?.slice(0, MAX_QUOTED_CHARACTERS) ?? '';
  const said = line === '' ? 'wrote nothing' : `wrote ${JSON.stringify(line)}`;
  return `its version cannot be told: ${JSON.stringify(argv.join(' '))} ${ended} and ${said}, where it must exit with 0 and match ${pattern}`;
}

interface Named {
  readonly manifest: Manifest;
  readonly version: string;
  readonly platform: string;
  readonly tools: Toolchain;
  readonly files: RunRequest['files'];
}

/** Another tool, other words for it, other files for its setup or another view of the machine make other artifacts. */
function nameToolchain({ manifest, version, platform, tools, files }: Named): string {
  const { name, sources, shows, setup, compile, env } = manifest;
  const hash = createHash('sha256').update(JSON.stringify([tools, sources, shows, setup, compile, env]));
  for (const { path, content } of files.toSorted((a, b) => (a.path < b.path ? -1 : 1)))
    hash.update(JSON.stringify([path, content.length])).update(content);
  return `${name}-${inFileName(version)}-${platform.replace('/', '-')}-${hash.digest('hex').slice(0, 8)}`;
}

/** It names a folder: what a tool calls its version may hold a "/". */
function inFileName(version: string): string {
  return version.replace(/[^A-Za-z0-9.+~-]/g, '_').slice(0, 64);
}

/** One of each version: the first. */
function distinct(languages: readonly Language[]): Language[] {
  return languages.filter((language, at) => languages.findIndex(({ version }) => version === language.version) === at);
}

function notInstalled({ tools, packages }: Manifest): string {
  const install = packages.length > 0 ? `; on Debian: apt-get install ${packages.join(' ')}` : '';
  return `${NOT_INSTALLED}: ${Object.values(tools).flat().join(', ')} not found${install}`;
}
