/** The languages that this host offers: manifests whose tools exist, with the version that each tool itself reports. */
import type { Log } from '@runlane/core';
import type { LimitBounds } from './limits.js';
import { boundsOf, fillCommand, type Manifest } from './manifest.js';
import type { Sandbox } from './sandbox/sandbox.js';

export interface Language {
  readonly manifest: Manifest;
  /** Path of its interpreter or compiler inside the sandbox. */
  readonly tool: string;
  readonly version: string;
  readonly toolchain: string;
  /** What a program's environment holds before its own variables. */
  readonly environment: Readonly<Record<string, string>>;
  readonly bounds: LimitBounds;
}

/** Ask each tool for its version, in the sandbox. A language whose tool is missing or broken is left out, and logged. */
export async function findLanguages(manifests: readonly Manifest[], sandbox: Sandbox, log: Log): Promise<Language[]> {
  const languages: Language[] = [];
  for (const manifest of manifests) {
    const tool = sandbox.description.tools[manifest.name];
    const environment = { ...sandbox.description.environment, ...manifest.env };
    const version = tool && (await askVersion(manifest, tool, environment, sandbox));
    if (!tool || !version) {
      log.warn({ language: manifest.name, paths: manifest.tool.paths }, 'language left out: no working tool found');
      continue;
    }
    const toolchain = `${manifest.name}-${version}-${sandbox.description.platform}`;
    languages.push({ manifest, tool, version, toolchain, environment, bounds: boundsOf(manifest) });
  }
  return languages;
}

async function askVersion(
  manifest: Manifest,
  tool: string,
  environment: Language['environment'],
  sandbox: Sandbox,
): Promise<string | undefined> {
  const argv = fillCommand(manifest.version.argv, { tool, entry: '', args: [] });
  const run = await sandbox.open({
    argv,
    env: environment,
    files: [],
    limits: boundsOf(manifest).defaults,
  });
  run.go();
  run.closeStdin();
  let output = '';
  for await (const event of run.events()) {
    if (event.kind === 'stdout' || event.kind === 'stderr') output += event.data.toString();
  }
  return new RegExp(manifest.version.pattern).exec(output)?.[1];
}

/** A language by name or alias, and by version where one is asked for exactly. */
export function chooseLanguage(languages: readonly Language[], name: string, version: string): Language | undefined {
  return languages.find(
    (language) =>
      (language.manifest.name === name || language.manifest.aliases.includes(name)) &&
      (version === '' || language.version === version),
  );
}
