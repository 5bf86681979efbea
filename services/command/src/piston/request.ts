/**
 * What Piston's clients send, as a job of ours. Checked in Piston's order and refused in its words, as clients compare them;
 * what Piston answers with an empty 500 is refused by name, and a limit of 0 is the default one rather than none.
 */
import { chooseVersion, RunlaneError } from '@runlane/contract';
import type { KnownLanguage } from '../languages.js';

/** Of a request: the language that it means, and the body of a job for `submit`. */
export interface PistonProgram {
  readonly language: KnownLanguage;
  readonly body: Readonly<Record<string, unknown>>;
}

type Fields = Readonly<Record<string, unknown>>;

interface GivenFile {
  readonly name?: unknown;
  readonly content: string;
  readonly encoding?: unknown;
}

/** Where a limit of Piston's is found among ours. */
interface LimitField {
  readonly name: string;
  readonly stage: 'run' | 'compile';
  readonly ours: 'wallTimeMs' | 'cpuTimeMs' | 'memoryBytes';
}

/** In the order in which they are checked. */
const LIMITS: readonly LimitField[] = [
  { name: 'compile_memory_limit', stage: 'compile', ours: 'memoryBytes' },
  { name: 'run_memory_limit', stage: 'run', ours: 'memoryBytes' },
  { name: 'compile_timeout', stage: 'compile', ours: 'wallTimeMs' },
  { name: 'run_timeout', stage: 'run', ours: 'wallTimeMs' },
  { name: 'compile_cpu_time', stage: 'compile', ours: 'cpuTimeMs' },
  { name: 'run_cpu_time', stage: 'run', ours: 'cpuTimeMs' },
];

/** @throws RunlaneError `INVALID_REQUEST` */
export function readPistonProgram(body: unknown, known: readonly KnownLanguage[]): PistonProgram {
  const given: Fields = typeof body === 'object' && body !== null ? (body as Fields) : {};
  const asked = requiredText(given, 'language');
  const version = requiredText(given, 'version');
  const files = requiredFiles(given);
  const language = findRuntime(known, asked, version);
  if (!language) throw refusal(`${asked}-${version} runtime is unknown`);
  const main = files.findIndex(({ encoding }) => isMain(encoding));
  if (main === -1) throw refusal('files must include at least one utf8 encoded file');
  const limits = readLimits(given, language);
  const sources = toSources(files, main, language);
  return {
    language,
    body: {
      language: language.name,
      version: language.version,
      files: sources.files,
      entry: sources.entry,
      stdin: endingInNewline(readStdin(given)),
      args: readArgs(given),
      limits,
    },
  };
}

function refusal(message: string): RunlaneError {
  return new RunlaneError('INVALID_REQUEST', message);
}

function requiredText(given: Fields, name: 'language' | 'version'): string {
  const value = given[name];
  if (typeof value !== 'string' || value === '') throw refusal(`${name} is required as a string`);
  return value;
}

function requiredFiles({ files }: Fields): GivenFile[] {
  if (!Array.isArray(files)) throw refusal('files is required as an array');
  for (const [index, file] of files.entries()) {
    if (typeof (file as GivenFile | null)?.content !== 'string')
      throw refusal(`files[${index}].content is required as a string`);
  }
  return files;
}

/** The newest version within the range, of the language that has this very name or alias. */
function findRuntime(known: readonly KnownLanguage[], asked: string, version: string): KnownLanguage | undefined {
  const range = version.trim() || '*';
  const called = known.filter(({ usable, name, aliases }) => usable && (name === asked || aliases.includes(asked)));
  const here = called.filter(({ available }) => available);
  return chooseVersion(here, range) ?? chooseVersion(called, range);
}

const isMain = (encoding: unknown) =>
  encoding === undefined || encoding === null || encoding === '' || encoding === 'utf8';

/** A file without a name is called as the language's programs usually are: compilers go by the ending. */
function toSources(files: readonly GivenFile[], main: number, { entry: usual }: KnownLanguage) {
  const names = files.map(({ name }, index) => {
    if (name === undefined || name === null || name === '') return index === main ? usual : `file${index}.code`;
    if (typeof name !== 'string') throw refusal(`files[${index}].name must be a string`);
    return name;
  });
  // Of several files with one name the last one stays.
  const byPath = new Map(files.map((file, index) => [names[index] as string, file]));
  return {
    files: [...byPath].map(([path, file]) => ({ path, ...encoded(file) })),
    entry: names[main] as string,
  };
}

/** Bytes that are not given as text are read as Piston reads them: what is no base64, or hex, is passed over. */
function encoded({ content, encoding }: GivenFile) {
  if (encoding !== 'base64' && encoding !== 'hex') return { content };
  return { content: Buffer.from(content, encoding).toString('base64'), encoding: 'base64' };
}

function readStdin({ stdin }: Fields): string {
  if (stdin === undefined || stdin === null) return '';
  if (typeof stdin !== 'string') throw refusal('If specified, stdin must be a string');
  return stdin;
}

const endingInNewline = (text: string) => (text.endsWith('\n') ? text : `${text}\n`);

function readArgs({ args }: Fields): string[] {
  if (args === undefined || args === null) return [];
  if (!Array.isArray(args)) throw refusal('If specified, args must be an array of strings');
  return args.map((arg, index) => {
    if (typeof arg === 'object') throw refusal(`args[${index}] must be a string`);
    return String(arg);
  });
}

function readLimits(given: Fields, language: KnownLanguage) {
  const limits = { run: {} as Record<string, number>, compile: {} as Record<string, number> };
  for (const { name, stage, ours } of LIMITS) {
    const maxima = stage === 'run' ? language.maximumLimits : language.maximumLimits.compile;
    const value = readLimit(name, given[name], maxima?.[ours]);
    if (value !== undefined && maxima) limits[stage][ours] = value;
  }
  return { ...limits.run, ...(language.compiled && { compile: limits.compile }) };
}

function readLimit(name: string, value: unknown, most = Number.POSITIVE_INFINITY): number | undefined {
  if (!value) return undefined;
  if (typeof value !== 'number') throw refusal(`If specified, ${name} must be a number`);
  if (value > most) throw refusal(`${name} cannot exceed the configured limit of ${most}`);
  // Clients send -1 where they want no limit of their own.
  if (value < 0 && name.endsWith('memory_limit')) return undefined;
  if (value < 0) throw refusal(`${name} must be non-negative`);
  return Math.ceil(value);
}

/** A refusal of ours in the names of Piston's fields. */
export function inPistonsNames(error: RunlaneError): string {
  // The entry is one of the files, and told of as such.
  const fields = error.fields.filter(({ field }) => field !== 'entry');
  if (fields.length === 0) return error.message;
  return fields.map(({ field, reason }) => `${pistonField(field)} ${reason}`.trim()).join('; ');
}

function pistonField(field: string): string {
  const limit = LIMITS.find(({ stage, ours }) => field === `limits.${stage === 'run' ? '' : 'compile.'}${ours}`);
  return limit?.name ?? field.replace(/^(files\[\d+\])\.path$/, '$1.name');
}
