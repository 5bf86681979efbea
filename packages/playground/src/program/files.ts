/** What can be done to the files of a program. There is always one, and the entry is always one of them. */
import type { Program } from './program.js';

export function withContent(program: Program, path: string, content: string): Program {
  return { ...program, files: program.files.map((file) => (file.path === path ? { path, content } : file)) };
}

/** With a new, empty file, whose name is like that of `like` and not taken yet. */
export function withNewFile(program: Program, like: string): { readonly program: Program; readonly path: string } {
  const ending = /\.[^./]+$/.exec(like)?.[0] ?? '';
  let number = 1;
  let path = `module${ending}`;
  while (program.files.some((file) => file.path === path)) path = `module${++number}${ending}`;
  return { program: { ...program, files: [...program.files, { path, content: '' }] }, path };
}

export function withName(program: Program, from: string, to: string): Program {
  const files = program.files.map((file) => (file.path === from ? { ...file, path: to } : file));
  return { ...program, files, entry: program.entry === from ? to : program.entry };
}

export function without(program: Program, path: string): Program {
  const files = program.files.filter((file) => file.path !== path);
  const [first] = files;
  if (!first) return program;
  return { ...program, files, entry: program.entry === path ? first.path : program.entry };
}
