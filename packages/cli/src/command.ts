/** What a subcommand of `runlane` is, and what several of them need. */
import { fileURLToPath } from 'node:url';
import { type ParseArgsConfig, parseArgs } from 'node:util';

/** The languages of this checkout, each a folder. */
export const LANGUAGES_DIR = fileURLToPath(new URL('../../../services/runners/', import.meta.url));

type Options = NonNullable<ParseArgsConfig['options']>;

/** A line in the table of `main.ts`. */
export interface Command {
  /** One line for the list of all commands. */
  readonly summary: string;
  /** How it is called, with every option. */
  readonly help: string;
  readonly options: Options;
  /** The exit code. @throws UsageError when it was called wrongly. */
  call(args: readonly string[]): Promise<number>;
}

interface Definition<O extends Options> {
  readonly summary: string;
  readonly help: string;
  readonly options: O;
  run(called: Called<O>): Promise<number>;
}

export interface Called<O extends Options> {
  readonly values: ReturnType<typeof parseArgs<{ options: O; strict: true; allowPositionals: true }>>['values'];
  /** Words that are no options, and come before "--". */
  readonly words: readonly string[];
  /** What comes after "--", as it is. */
  readonly rest: readonly string[];
}

/** The caller's mistake: told with how to call it right, and exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export function command<const O extends Options>({ run, ...told }: Definition<O>): Command {
  return { ...told, call: async (args) => run(parse(args, told.options)) };
}

function parse<O extends Options>(args: readonly string[], options: O): Called<O> {
  const [own, rest] = splitAtDashes(args);
  try {
    const { values, positionals } = parseArgs({ args: [...own], options, strict: true, allowPositionals: true });
    return { values, words: positionals, rest };
  } catch (error) {
    // Node goes on to say how a word could begin with a dash: that is for "--" here, and rarely what was meant.
    throw new UsageError((error as Error).message.split('. To specify')[0] ?? '');
  }
}

/** What is before the first "--", and what is after it. */
export function splitAtDashes(args: readonly string[]): readonly [string[], string[]] {
  const at = args.indexOf('--');
  return at < 0 ? [[...args], []] : [args.slice(0, at), args.slice(at + 1)];
}

/** @throws UsageError where there are words that mean nothing. */
export function noWords({
  words,
  rest,
}: {
  readonly words: readonly string[];
  readonly rest: readonly string[];
}): void {
  const [word] = [...words, ...rest];
  if (word !== undefined) throw new UsageError(`"${word}" is nothing that it takes`);
}

export function wholeNumber(option: string, text: string | undefined, fallback: number, most: number): number {
  const value = text === undefined ? fallback : Number(text);
  const ok = Number.isInteger(value) && value >= 1 && value <= most;
  if (!ok) throw new UsageError(`${option} must be a whole number from 1 to ${most}`);
  return value;
}
