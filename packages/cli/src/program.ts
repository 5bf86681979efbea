/** The program that `run` and `submit` send: files of this machine, and how to run them. */
import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import { basename, dirname, extname, relative, sep } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { Client, Language, NewJob } from '@runlane/client';
import { type Called, UsageError } from './command.js';

export const PROGRAM_OPTIONS = {
  language: { type: 'string', short: 'l' },
  version: { type: 'string' },
  stdin: { type: 'string' },
  env: { type: 'string', multiple: true },
  limit: { type: 'string', multiple: true },
} as const;

export const PROGRAM_HELP = `  -l, --language NAME   its language (default: what the name of the first file says)
  --version RANGE       a version of it, such as 3.11 or ">=3.10 <4"
  --stdin FILE          standard input, empty without; "-" is this command's own, read to its end
  --env NAME=VALUE      an environment variable; may be given several times
  --limit NAME=NUMBER   such as wallTimeMs=2000 or memoryBytes=67108864; may be given several times`;

/** @throws UsageError naming what cannot be read or understood. */
export async function readProgram(
  client: Client,
  { values, words, rest }: Called<typeof PROGRAM_OPTIONS>,
): Promise<NewJob> {
  const [first] = words;
  if (first === undefined) throw new UsageError('which program? Name its file, or "-" for standard input');
  if (first === '-' && values.stdin === '-') throw new UsageError('standard input cannot be both program and input');
  const stdin = values.stdin === undefined ? undefined : encode(await read(values.stdin));
  return {
    language: values.language ?? (await languageOf(client, first)),
    ...(values.version !== undefined && { version: values.version }),
    ...(await sources(words)),
    ...(stdin && { stdin: stdin.content, ...(stdin.encoding && { stdinEncoding: stdin.encoding }) }),
    args: [...rest],
    env: pairs('--env', values.env),
    limits: Object.fromEntries(Object.entries(pairs('--limit', values.limit)).map(([name, text]) => [name, +text])),
  };
}

/** Several files keep their places to each other: the folder of the first is the program's. */
async function sources(words: readonly string[]): Promise<Pick<NewJob, 'code' | 'files' | 'entry'>> {
  const [first = ''] = words;
  if (first === '-') {
    if (words.length > 1) throw new UsageError('a program from standard input is a single file');
    return { code: (await read('-')).toString() };
  }
  const folder = dirname(first);
  const files = words.map(async (word) => {
    const path = relative(folder, word).split(sep).join('/');
    if (path.startsWith('../')) throw new UsageError(`${word} is not below ${folder}, the folder of the first file`);
    return { path, ...encode(await read(word)) };
  });
  return { files: await Promise.all(files), entry: basename(first) };
}

/** By the ending of the file that each language starts, or one of its other names: the server knows them. */
async function languageOf(client: Client, file: string): Promise<string> {
  const ending = extname(file).slice(1).toLowerCase();
  const isFor = ({ entry, aliases }: Language) =>
    extname(entry).toLowerCase() === `.${ending}` || aliases.includes(ending);
  const found = ending === '' ? undefined : (await client.languages()).find(isFor);
  if (!found) throw new UsageError(`which language is ${file}? Give --language; \`runlane languages\` lists them`);
  return found.name;
}

async function read(file: string): Promise<Buffer> {
  if (file === '-') return buffer(process.stdin);
  return readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(
      error.code === 'ENOENT' ? `there is no file ${file}` : `${file} cannot be read: ${error.code}`,
    );
  });
}

function encode(bytes: Buffer) {
  return isUtf8(bytes)
    ? { content: bytes.toString('utf8') }
    : { content: bytes.toString('base64'), encoding: 'base64' as const };
}

function pairs(option: string, texts: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      if (at < 1) throw new UsageError(`${option} ${text}: it must be NAME=VALUE`);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}
