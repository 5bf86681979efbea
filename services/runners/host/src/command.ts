/** The commands of a manifest with their placeholders filled in. */
import { posix } from 'node:path';
import type { Manifest } from './manifest.js';
import type { Toolchain } from './sandbox/sandbox.js';

/** Where compilers write, below the working folder; a program's own files may not be in there. */
export const BUILD_FOLDER = '.build';
/** Where programs leave the files that come back. */
export const OUT_FOLDER = 'out';
const WORK = '/work';
/** Where the sandbox shows what the tools of languages have made for all programs. */
export const TOOLCHAINS = '/toolchains';

const PLACEHOLDER = /\{([a-z0-9+-]+)\}/g;

interface Given {
  readonly tools: Toolchain;
  /** Name of the folder with what the toolchain's setup made. */
  readonly toolchain?: string;
  readonly entry?: string;
  readonly args?: readonly string[];
  readonly sources?: readonly string[];
}

export function fillCommand(argv: readonly string[], given: Given): string[] {
  const { tools, toolchain = '', entry = '', args = [], sources = [] } = given;
  const lists: Record<string, readonly string[]> = { '{args}': args, '{sources}': sources.map(plain) };
  const texts: Record<string, string> = {
    ...tools,
    entry: plain(entry),
    stem: plainStem(entry.slice(0, entry.length - posix.extname(entry).length)),
    out: `${WORK}/${BUILD_FOLDER}`,
    setup: `${TOOLCHAINS}/${toolchain}`,
  };
  return argv.flatMap((word) => lists[word] ?? [word.replace(PLACEHOLDER, (all, name) => texts[name] ?? all)]);
}

/** Names in braces, whatever they mean. */
export function placeholdersIn(word: string): string[] {
  return [...word.matchAll(PLACEHOLDER)].map(([, name = '']) => name);
}

/** Variables of a manifest, with placeholders filled in likewise. */
export function fillVariables(env: Readonly<Record<string, string>>, given: Given): Record<string, string> {
  return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, fillCommand([value], given).join(' ')]));
}

/**
 * "./" keeps a file from being read as anything else: an option ("-rf"), a file of arguments ("@x"), a command ("|id", which
 * SQLite would run), a word of the tool ("inspect"). A usual path stays as it is, for programs and errors name it so.
 */
function plain(path: string): string {
  return /^\w.*[./]/.test(path) ? path : `./${path}`;
}

/** Tools take a name without its extension for a class, which "./" would make another. */
function plainStem(stem: string): string {
  return /^[-@]/.test(stem) ? `./${stem}` : stem;
}

/** The files that a compiler is given. */
export function sourcesAmong(paths: readonly string[], { sources }: Manifest): string[] {
  return paths.filter((path) => sources.some((pattern) => path.endsWith(pattern.slice(1))));
}
