/**
 * A language as its folder describes it in `runner.json`. All that the host knows of a language is in here: a `switch`
 * on language anywhere else is a field of the manifest that has not been named yet.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { DEFAULT_LIMITS, LIMIT_NAMES, type LimitBounds, MAXIMUM_LIMITS } from './limits.js';
import type { RunLimits } from './sandbox/sandbox.js';

/** Words of a command; "{tool}", "{entry}" and "{args}" are replaced, each by whole words. */
const command = z.array(z.string().min(1)).min(1);
const limits = z.partialRecord(z.enum(LIMIT_NAMES), z.number().int().positive());

const manifestSchema = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9+#-]{0,31}$/),
  aliases: z.array(z.string()).default([]),
  /** The file that a program given as plain code is written to. */
  entry: z.string(),
  /**
   * What is ready before a program is there. `none`: its tool is started for it. `zygote`: the tool is the Python
   * interpreter that the jail runs in, and a program runs in a fork of that; one language can have it.
   */
  warm: z.enum(['none', 'zygote']).default('none'),
  /** Where the interpreter or compiler may be; the first that exists in the sandbox is used. */
  tool: z.strictObject({ paths: z.array(z.string().startsWith('/')).min(1) }),
  /** The container image that it runs in, where containers are the sandbox; Python 3 must be on its PATH. */
  image: z.string().min(1).optional(),
  /** Run once in the sandbox at start; the pattern's first group is the version. */
  version: z.strictObject({ argv: command, pattern: z.string() }),
  run: z.strictObject({ argv: command }),
  env: z.record(z.string(), z.string()).default({}),
  limits: z
    .strictObject({ default: limits.default({}), maximum: limits.default({}) })
    .default({ default: {}, maximum: {} }),
});

export type Manifest = Readonly<z.infer<typeof manifestSchema>>;

/** @throws Error naming the file and the field of each manifest that is not as it must be. */
export async function readManifests(languagesDir: string, only: readonly string[]): Promise<Manifest[]> {
  const manifests: Manifest[] = [];
  const folders = await readdir(languagesDir, { withFileTypes: true });
  for (const folder of folders.filter((entry) => entry.isDirectory()).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(languagesDir, folder.name, 'runner.json');
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    const parsed = manifestSchema.safeParse(JSON.parse(text));
    if (!parsed.success) throw new Error(`${path}: ${z.prettifyError(parsed.error)}`);
    if (only.length === 0 || only.includes(parsed.data.name)) manifests.push(parsed.data);
  }
  return manifests;
}

export function boundsOf(manifest: Manifest): LimitBounds {
  return {
    defaults: withOwn(DEFAULT_LIMITS, manifest.limits.default),
    maxima: withOwn(MAXIMUM_LIMITS, manifest.limits.maximum),
  };
}

function withOwn(limits: RunLimits, own: { readonly [name in keyof RunLimits]?: number | undefined }): RunLimits {
  return Object.fromEntries(LIMIT_NAMES.map((name) => [name, own[name] ?? limits[name]])) as unknown as RunLimits;
}

/** A command of the manifest with its placeholders filled in. */
export function fillCommand(argv: readonly string[], values: { tool: string; entry: string; args: readonly string[] }) {
  return argv.flatMap((word) => {
    if (word === '{args}') return values.args;
    if (word === '{tool}') return [values.tool];
    // "./" keeps a file called "-rf" from being read as an option.
    if (word === '{entry}') return [values.entry.startsWith('-') ? `./${values.entry}` : values.entry];
    return [word];
  });
}
