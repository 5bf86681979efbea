/**
 * Programs to begin with: a folder for each language, in it a file for each example, called what it shows. `NAME.stdin` beside
 * `NAME.py` is its input; `NAME.live` says that it is to be talked to while it runs, `NAME.terminal` that it wants a terminal. What the server calls a program in one file
 * is in the manifest of the language.
 */
import { type Program, TALKS } from '../program/program.js';

export interface Example {
  readonly name: string;
  readonly program: Program;
}

const ENTRIES = import.meta.glob<string>('../../../../services/runners/*/runner.json', {
  eager: true,
  import: 'entry',
});
const TEXTS = import.meta.glob<string>('./*/*', { eager: true, query: '?raw', import: 'default' });
/** In this order in the menu; others follow. */
const USUAL = ['hello', 'input', 'guess', 'picture', 'table'];

/** Endings of what is beside an example. */
const ASIDE: readonly (string | undefined)[] = ['stdin', ...TALKS];

const partsOf = (path: string) => /\/([^/]+)\/([^/.]+)\.(\w+)$/.exec(path)?.slice(1) ?? [];

/** How the server calls a program in one file; undefined where this page does not know the language. */
export function usualPath(language: string): string | undefined {
  return Object.entries(ENTRIES).find(([path]) => partsOf(path)[0] === language)?.[1];
}

export function examplesFor(language: string): Example[] {
  const found = Object.entries(TEXTS).flatMap(([path, text]): Example[] => {
    const [folder, name = '', ending] = partsOf(path);
    if (folder !== language || ASIDE.includes(ending)) return [];
    return [{ name, program: toProgram(language, name, text) }];
  });
  const place = ({ name }: Example) => (USUAL.includes(name) ? USUAL.indexOf(name) : USUAL.length);
  return found.sort((a, b) => place(a) - place(b));
}

/** The first example of a language; an empty program where there is none. */
export function exampleFor(language: string): Example {
  return examplesFor(language)[0] ?? { name: 'empty', program: toProgram(language, '', '') };
}

function toProgram(language: string, name: string, content: string): Program {
  const path = usualPath(language) ?? 'main';
  const talk = TALKS.find((each) => TEXTS[`./${language}/${name}.${each}`] !== undefined) ?? 'before';
  const stdin = TEXTS[`./${language}/${name}.stdin`] ?? '';
  return { language, version: '', files: [{ path, content }], entry: path, stdin, args: '', talk };
}
