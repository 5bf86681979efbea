/**
 * A language as its folder describes it in `runner.json`. All that the host knows of a language is in here: a `switch`
 * on language anywhere else is a field of the manifest that has not been named yet.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { z } from 'zod';
import { placeholdersIn } from './command.js';
import { DEFAULT_LIMITS, LIMIT_NAMES, type LimitBounds, MAXIMUM_LIMITS } from './limits.js';
import { clashesAmong, problemsOf } from './manifest-check.js';
import type { RunLimits } from './sandbox/sandbox.js';

const command = z
  .array(z.string().min(1))
  .min(1)
  .describe(
    'Words, never a shell line. {args} and {sources} are words of their own, and become as many as there are; {entry}, {stem}, {out}, {setup} and the names of the tools may be parts of words. Any other name in braces is refused.',
  );
const limits = z.partialRecord(z.enum(LIMIT_NAMES), z.number().int().positive());
const variables = z.record(z.string(), z.string());
const paths = z.array(z.string().regex(/^(\/|\{bin\}\/)/)).min(1);

const fields = z.strictObject({
  $schema: z.string().optional(),
  name: z
    .string()
    .regex(/^[a-z][a-z0-9+#-]{0,31}$/)
    .describe('What clients call it; the same as the folder.'),
  title: z.string().min(1).describe('What people call it, such as "C++".'),
  aliases: z
    .array(z.string().regex(/^[a-z0-9][a-z0-9.+#_-]{0,31}$/))
    .default([])
    .describe("Other names that clients may use, in lower case. None may be another language's name or alias."),
  entry: z.string().describe('The file that a program given as plain code is written to.'),
  sources: z
    .array(z.string().regex(/^\*\.[^*/]+$/))
    .default([])
    .describe('What {sources} stands for: the files whose names end so, such as "*.c".'),
  warm: z
    .enum(['none', 'zygote', 'prelude'])
    .default('none')
    .describe(
      'What is ready before a program is there. none: its tool is started for it. zygote: the tool is the Python interpreter that the jail runs in, and a program runs in a fork of that; one language can have it. prelude: its tool is started by the command "prelude", and waits for the program.',
    ),
  tools: z
    .record(z.string().regex(/^[a-z][a-z0-9+-]*$/), paths)
    .refine((tools) => Object.keys(tools).length > 0, 'names no tool')
    .describe(
      'Each tool by name, with the paths where it may be; "*" stands for anything. Every match of the first tool is a version of its own, the first match the usual one. Paths of the others may begin with {bin}, the folder of the first.',
    ),
  shows: z
    .array(z.string().startsWith('/'))
    .default([])
    .describe(
      'Further files and folders of the machine that its tools read, such as "/etc/R"; links are followed. "*" stands for anything, and may find nothing; a path without it must be there.',
    ),
  packages: z.array(z.string()).default([]).describe('Debian packages that bring the tools.'),
  image: z
    .string()
    .min(1)
    .optional()
    .describe('The container image that it runs in, where containers are the sandbox; Python 3 must be on its PATH.'),
  version: z
    .strictObject({ argv: command, pattern: z.string() })
    .describe(
      `Asks a toolchain for its version: the first group of the pattern, a regular expression, which must match what it writes; its exit code must be 0. The files of the folder "setup" are there.`,
    ),
  setup: z
    .strictObject({ argv: command, env: variables.default({}) })
    .optional()
    .describe(
      'Run once for a toolchain, in the sandbox, with the files of the folder "setup"; what it writes to {out} every later command finds in {setup}.',
    ),
  compile: z
    .strictObject({ argv: command, env: variables.default({}), limits: limits.default({}) })
    .optional()
    .describe('Compiles a program: what it writes to {out} is there when the program runs.'),
  run: z.strictObject({ argv: command }).describe('Runs a program.'),
  prelude: z
    .strictObject({ argv: command, env: variables.default({}), readAtStart: z.array(z.string()).default(['']) })
    .optional()
    .describe(
      'Starts what waits for a program, in a sandbox that one run gets: it reads the files, words and variables from descriptor 4. It says "." on descriptor 3 when it waits, and when it has its run. readAtStart: beginnings of the names of variables that it cannot be given late, for its tool reads them when it starts; all when left out.',
    ),
  env: variables
    .default({})
    .describe('Environment of these commands; setup and compile may add to it. It may hold {out} and {setup}.'),
  limits: z
    .strictObject({ default: limits.default({}), maximum: limits.default({}) })
    .default({ default: {}, maximum: {} })
    .describe("What a run may use, where that is not the host's usual."),
  cannot: variables.default({}).describe('Programs of the conformance kit that cannot be written in it, and why.'),
});

const manifestSchema = fields.refine(({ warm, prelude }) => (warm === 'prelude') === (prelude !== undefined), {
  path: ['prelude'],
  message: 'belongs to "warm": "prelude", and that to it',
});

export type Manifest = Readonly<z.infer<typeof manifestSchema>>;

/** The form of `runner.json`, as JSON Schema (2020-12): what may be written, defaults left out. */
export function runnerSchema(): object {
  return z.toJSONSchema(manifestSchema, { io: 'input' });
}

/** A language whose manifest cannot be used; the reason names the file. */
export interface BrokenManifest {
  /** The folder's. */
  readonly name: string;
  readonly reason: string;
}

export interface Manifests {
  readonly usable: readonly Manifest[];
  readonly broken: readonly BrokenManifest[];
}

/**
 * The languages of a folder, those named alone where there are any. What is wrong with one is no harm to another.
 * @throws Error when one that is named is not there: whoever named it means it.
 */
export async function readManifests(languagesDir: string, only: readonly string[]): Promise<Manifests> {
  const entries = await readdir(languagesDir, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink()).map(({ name }) => name);
  const read: Manifest[] = [];
  const broken: BrokenManifest[] = [];
  const known: string[] = [];
  for (const name of names.sort()) {
    const found = await readManifest(languagesDir, name);
    if (found) known.push(name);
    if (only.length > 0 && !only.includes(name)) continue;
    if (found && 'problems' in found)
      broken.push({ name, reason: `${name}/runner.json: ${found.problems.join('; ')}` });
    else if (found) read.push(found);
  }
  const unknown = only.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new Error(`LANGUAGES names what is no language here: ${unknown.join(', ')}; there are ${known.join(', ')}`);
  const clashes = clashesAmong(read, broken);
  return {
    usable: read.filter(({ name }) => !clashes.some((clash) => clash.name === name)),
    broken: [...broken, ...clashes],
  };
}

/** Undefined where there is none. */
async function readManifest(
  languagesDir: string,
  folder: string,
): Promise<Manifest | { readonly problems: readonly string[] } | undefined> {
  let content: unknown;
  try {
    content = JSON.parse(await readFile(join(languagesDir, folder, 'runner.json'), 'utf8'));
  } catch (reason) {
    if (/^(ENOENT|ENOTDIR)$/.test((reason as NodeJS.ErrnoException).code ?? '')) return undefined;
    return { problems: [(reason as Error).message] };
  }
  const { data, error } = manifestSchema.safeParse(content);
  const problems = error
    ? error.issues.map(({ path, message }) => `${path.join('.') || 'the whole'}: ${message}`)
    : problemsOf(data, folder);
  return problems.length > 0 ? { problems } : data;
}

/** What lies in a language's folder "setup" and below it: for the commands that are not about a program. */
export async function setupFiles(languagesDir: string, { name }: Manifest) {
  const folder = join(languagesDir, name, 'setup');
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []);
  return Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => {
        const path = join(entry.parentPath, entry.name);
        return { path: relative(folder, path), content: await readFile(path), executable: false };
      }),
  );
}

/** Whether programs need what its setup makes, and not its prelude alone. */
export function needsSetup({ setup, compile, run, env, prelude }: Manifest): boolean {
  if (!setup || !prelude) return setup !== undefined;
  const words = [...(compile?.argv ?? []), ...Object.values(compile?.env ?? {}), ...run.argv, ...Object.values(env)];
  return words.some((word) => placeholdersIn(word).includes('setup'));
}

export function boundsOf(manifest: Manifest): LimitBounds {
  return {
    defaults: withOwn(DEFAULT_LIMITS, manifest.limits.default),
    maxima: withOwn(MAXIMUM_LIMITS, manifest.limits.maximum),
  };
}

export function withOwn(
  limits: RunLimits,
  own: { readonly [name in keyof RunLimits]?: number | undefined },
): RunLimits {
  return Object.fromEntries(LIMIT_NAMES.map((name) => [name, own[name] ?? limits[name]])) as unknown as RunLimits;
}
