/** The languages of this host: each toolchain of a manifest that is here, with the version that it reports itself. */
import { createHash } from 'node:crypto';
import type { Log } from '@runlane/core';
import { fillCommand, fillVariables, OUT_FOLDER } from './command.js';
import { COMPILE_LIMITS, type LimitBounds } from './limits.js';
import { boundsOf, type Manifest, setupFiles, withOwn } from './manifest.js';
import { runOnce } from './run-once.js';
import type { RunLimits, RunRequest, Sandbox, Toolchain } from './sandbox/sandbox.js';
import type { Setups } from './setups.js';

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

export interface Unavailable {
  readonly manifest: Manifest;
  readonly reason: string;
}

export interface Languages {
  /** The usual version of a language first. */
  available(): readonly Language[];
  unavailable(): readonly Unavailable[];
  /** A language by name or alias, and by version exactly; the usual one where that is empty. */
  choose(name: string, version: string): Language | undefined;
}

interface Surroundings {
  readonly sandbox: Sandbox;
  readonly languagesDir: string;
  readonly setups: Setups;
  readonly log: Log;
}

/**
 * Ask each toolchain for its version, in the sandbox; those that need something made first become available when it is.
 * A language that cannot be used is no reason not to start.
 */
export async function findLanguages(
  manifests: readonly Manifest[],
  { sandbox, languagesDir, setups, log }: Surroundings,
): Promise<Languages> {
  const looked = await Promise.all(
    manifests.map(async (manifest) => {
      const toolchains = sandbox.description.toolchains[manifest.name] ?? [];
      const files = await setupFiles(languagesDir, manifest);
      const found = await Promise.all(toolchains.map((tools) => identify(manifest, tools, files, sandbox)));
      return { manifest, languages: distinct(found.filter((language) => language !== undefined)) };
    }),
  );
  const problems = new Map<Manifest, string>();
  const ready = new Set<Language>();
  for (const { manifest, languages } of looked) {
    if (languages.length === 0) problems.set(manifest, reasonWithout(manifest, sandbox));
    for (const language of languages) {
      if (!manifest.setup) ready.add(language);
      else {
        problems.set(manifest, 'its toolchain is being set up, which happens once: try again in a minute');
        void setups.make(language).then(
          () => ready.add(language),
          (err: unknown) => {
            log.error({ err, toolchain: language.toolchain }, 'a toolchain could not be set up');
            problems.set(manifest, 'its toolchain could not be set up: the log of the runner says why');
          },
        );
      }
    }
  }
  const all = looked.flatMap(({ languages }) => languages);
  const available = () => all.filter((language) => ready.has(language));
  return {
    available,
    unavailable: () =>
      [...problems]
        .filter(([manifest]) => !available().some((language) => language.manifest === manifest))
        .map(([manifest, reason]) => ({ manifest, reason })),
    choose: (name, version) =>
      available().find(
        (language) =>
          (language.manifest.name === name || language.manifest.aliases.includes(name)) &&
          (version === '' || language.version === version),
      ),
  };
}

async function identify(
  manifest: Manifest,
  tools: Toolchain,
  files: RunRequest['files'],
  sandbox: Sandbox,
): Promise<Language | undefined> {
  const bounds = boundsOf(manifest);
  const asked = await runOnce(sandbox, {
    language: manifest.name,
    argv: fillCommand(manifest.version.argv, { tools }),
    env: { ...sandbox.description.environment, ...fillVariables(manifest.env, { tools }) },
    files,
    collect: OUT_FOLDER,
    limits: bounds.defaults,
  });
  const version = new RegExp(manifest.version.pattern).exec(asked.output.toString())?.[1];
  if (!version) return undefined;
  const toolchain = nameToolchain(manifest, version, sandbox.description.platform);
  return {
    manifest,
    tools,
    version,
    toolchain,
    environment: { ...sandbox.description.environment, ...fillVariables(manifest.env, { tools, toolchain }) },
    bounds,
    compileLimits: withOwn(COMPILE_LIMITS, manifest.compile?.limits ?? {}),
  };
}

/** Other words for a compiler make other artifacts. */
function nameToolchain({ name, setup, compile, env }: Manifest, version: string, platform: string): string {
  const words = JSON.stringify([setup, compile, env]);
  const digest = createHash('sha256').update(words).digest('hex').slice(0, 8);
  return `${name}-${version}-${platform.replace('/', '-')}-${digest}`;
}

/** One of each version: the first. */
function distinct(languages: readonly Language[]): Language[] {
  return languages.filter((language, at) => languages.findIndex(({ version }) => version === language.version) === at);
}

function reasonWithout({ name, tools, packages }: Manifest, { description }: Sandbox): string {
  if (description.toolchains[name]?.length) return 'its tools are here, but did not say their version';
  const install = packages.length > 0 ? `; on Debian: apt-get install ${packages.join(' ')}` : '';
  return `not installed: ${Object.values(tools).flat().join(', ')} not found${install}`;
}
