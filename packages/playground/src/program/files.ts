/** What can be done to the files of a program. There is always one, and the entry is always one of them. */
import type { Program } from './program.js';

/** How the server calls a program in one file, in the old language and in the new one, where that is known. */
export interface Entries {
  readonly old: string | undefined;
  readonly new: string | undefined;
}

export function withContent(program: Program, path: string, content: string): Program {
  return { ...program, files: program.files.map((file) => (file.path === path ? { path, content } : file)) };
}

/** With a new, empty file, whose name is like that of `like` and not taken yet. */
export function withNewFile(program: Program, like: string): { readonly program: Program; readonly path: string } {
  const ending = endingOf(like);
  let number = 1;
  let path = `module${ending}`;
  while (program.files.some((file) => file.path === path)) path = `module${++number}${ending}`;
  return { program: { ...program, files: [...program.files, { path, content: '' }] }, path };
}

export function withName(program: Program, from: string, to: string): Program {
  const files = program.files.map((file) => (file.path === from ? { ...file, path: to } : file));
  return { ...program, files, entry: program.entry === from ? to : program.entry };
}

/**
 * In another language. The file to start goes by that one's name where it went by the old one's name or ending: compilers
 * take what a file is from its ending.
 */
export function inLanguage(program: Program, language: string, entries: Entries): Program {
  const next = { ...program, language, version: '' };
  const { entry, files } = program;
  const isOld = entries.old !== undefined && (entry === entries.old || endingOf(entry) === endingOf(entries.old));
  if (!isOld || entries.new === undefined) return next;
  // Two files cannot have one name: the one that has it already is what is to be started.
  if (files.some(({ path }) => path === entries.new)) return { ...next, entry: entries.new };
  return withName(next, entry, entries.new);
}

export function without(program: Program, path: string): Program {
  const files = program.files.filter((file) => file.path !== path);
  const [first] = files;
  if (!first) return program;
  return { ...program, files, entry: program.entry === path ? first.path : program.entry };
}

/** With its dot; empty where there is none. */
function endingOf(path: string): string {
  return /\.[^./]+$/.exec(path)?.[0] ?? '';
}
