/** What a request must look like before anything is made of it: bundles, paths, arguments, environment. */
import { runner } from '@runlane/contract';
import { BUILD_FOLDER } from './command.js';
import { invalid } from './refusal.js';

const MAX_FILES = 4096;
/** Of the files of one run: with them, a message of gRPC stays below its usual 4 MiB. */
const MAX_RUN_FILES_BYTES = 3.75 * 1024 * 1024;
const MAX_PART_BYTES = 255;
const MAX_PATH_BYTES = 1024;
const MAX_PARTS = 8;
/** What a compiler makes lies in a folder of its own, and in there may have paths as sources have. */
const PATHS = {
  bundle: { maxBytes: MAX_PATH_BYTES, maxParts: MAX_PARTS },
  files: { maxBytes: MAX_PATH_BYTES, maxParts: MAX_PARTS },
  artifact: { maxBytes: MAX_PATH_BYTES + `${BUILD_FOLDER}/`.length, maxParts: MAX_PARTS + 1 },
} as const;
const MAX_ARGS = 64;
const MAX_ARG_BYTES = 4096;
const MAX_ENV = 64;
const MAX_ENV_BYTES = 32 * 1024;
/** What a file's size is rounded up to in a tmpfs. */
const PAGE_BYTES = 4096;

/** Why a path may not be used, or undefined when it may. */
export function pathProblem(path: string, field: keyof typeof PATHS = 'bundle'): string | undefined {
  const { maxBytes, maxParts } = PATHS[field];
  if (path === '') return 'is empty';
  if (Buffer.byteLength(path) > maxBytes) return `is longer than ${maxBytes} bytes`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be in a path
  if (/[\u0000-\u001f\u007f]/.test(path)) return 'has a control character';
  const parts = path.split('/');
  if (parts.length > maxParts) return `has more than ${maxParts} parts`;
  if (path.startsWith('/')) return 'is absolute';
  if (parts.some((part) => part === '' || part === '.' || part === '..')) return 'has an empty, "." or ".." part';
  if (parts.some((part) => Buffer.byteLength(part) > MAX_PART_BYTES))
    return `has a part of over ${MAX_PART_BYTES} bytes`;
  return undefined;
}

/** @throws Refusal naming everything that is wrong with it. */
export function readBundle(bytes: Buffer, field: keyof typeof PATHS): runner.BundleFile[] {
  let files: runner.BundleFile[];
  try {
    ({ files } = runner.Bundle.decode(bytes));
  } catch {
    throw invalid([`${field} is not a Bundle`]);
  }
  const problems: string[] = [];
  if (files.length === 0) problems.push(`${field} holds no file`);
  if (files.length > MAX_FILES) throw invalid([`${field} holds more than ${MAX_FILES} files`]);
  const seen = new Set<string>();
  for (const [index, { path }] of files.entries()) {
    const problem = pathProblem(path, field) ?? (seen.has(path) ? 'is there twice' : undefined);
    if (problem) problems.push(`${field}.files[${index}].path ${problem}`);
    seen.add(path);
  }
  for (const [index, { path }] of files.entries())
    if (liesBelow(path, seen)) problems.push(`${field}.files[${index}].path lies below another file`);
  if (problems.length > 0) throw invalid(problems.slice(0, 20));
  return files;
}

function liesBelow(path: string, files: ReadonlySet<string>): boolean {
  const folders = path.split('/').slice(0, -1);
  return folders.some((_, depth) => files.has(folders.slice(0, depth + 1).join('/')));
}

/** The artifact's files, and beside them those of one run alone. @throws Refusal naming what is wrong with the latter. */
export function withRunFiles(files: readonly runner.BundleFile[], bytes: Buffer): readonly runner.BundleFile[] {
  if (bytes.length === 0) return files;
  if (bytes.length > MAX_RUN_FILES_BYTES) throw invalid([`files are longer than ${MAX_RUN_FILES_BYTES} bytes`]);
  const more = readBundle(bytes, 'files');
  const taken = new Set(files.map(({ path }) => path));
  const added = new Set(more.map(({ path }) => path));
  const isWrong = ({ path }: runner.BundleFile) => taken.has(path) || liesBelow(path, taken);
  if (more.some(isWrong) || files.some(({ path }) => liesBelow(path, added)))
    throw invalid(['files has the path of a file of the artifact, or one below it or above it']);
  return [...files, ...more];
}

/** A program whose own files do not fit below its limits could never start. */
export function checkRoom(
  files: readonly runner.BundleFile[],
  limits: { readonly diskBytes: number; readonly inodes: number },
  problems: string[],
): void {
  const bytes = files.reduce((sum, { content }) => sum + Math.ceil(content.length / PAGE_BYTES) * PAGE_BYTES, 0);
  if (bytes > limits.diskBytes)
    problems.push(
      `limits.diskBytes must be at least ${bytes}: so much are the program's files, compiled ones among them`,
    );
  const folders = new Set(
    files.flatMap(({ path }) => {
      const parts = path.split('/').slice(0, -1);
      return parts.map((_, depth) => parts.slice(0, depth + 1).join('/'));
    }),
  );
  // And the folder that holds them all, and the one for what comes back.
  const inodes = files.length + folders.size + 2;
  if (inodes > limits.inodes)
    problems.push(`limits.inodes is less than the ${inodes} of the program's files and folders`);
}

export function checkWords({ args, env }: Pick<runner.Start, 'args' | 'env'>, problems: string[]): void {
  if (args.length > MAX_ARGS) problems.push(`args are more than ${MAX_ARGS}`);
  for (const [index, arg] of args.entries()) {
    if (arg.includes('\0')) problems.push(`args[${index}] has a NUL`);
    if (Buffer.byteLength(arg) > MAX_ARG_BYTES) problems.push(`args[${index}] is longer than ${MAX_ARG_BYTES} bytes`);
  }
  const names = Object.entries(env);
  if (names.length > MAX_ENV) problems.push(`env has more than ${MAX_ENV} variables`);
  for (const [name, value] of names) {
    if (!/^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(name))
      problems.push('env has a name that is not letters, digits and "_"');
    else if (value.includes('\0')) problems.push(`env.${name} has a NUL`);
    else if (Buffer.byteLength(value) > MAX_ENV_BYTES)
      problems.push(`env.${name} is longer than ${MAX_ENV_BYTES} bytes`);
  }
}
