/** `runlane conformance`: whether a runner does what workers expect of it. */
import { stat } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { type ConformanceOptions, checkRunner, createReport } from '@runlane/conformance';
import { type Command, LANGUAGES_DIR, UsageError } from './command.js';

const DEFAULT_TIMEOUT_S = 60;
/** Longest that a timer can wait, in seconds. */
const MAX_TIMEOUT_S = 2_000_000;
const MAX_ROUNDS = 1_000_000;

const help = `Usage: runlane conformance --target ADDRESS [options]

Checks a runner over gRPC, as a worker would use it. Nothing else may use the runner meanwhile.

  --target ADDRESS   where it serves: host:port, or unix:/path
  --language NAME    check this language only; may be given several times (default: every one that it offers)
  --programs DIR     folder with <language>/programs/<program>.* (default: the languages of this checkout)
  --timeout SECONDS  longest that one check may take (default: ${DEFAULT_TIMEOUT_S})
  --rounds N         check everything N times (default: 1)
  --json             print one JSON document instead of a table

Exit code: 0 when nothing failed, 1 when something did, 2 when it was called wrongly.
`;

export const conformance: Command = { summary: 'check a runner against the contract', help, run };

async function run(args: string[]): Promise<number> {
  const { json, ...options } = await readOptions(args);
  const { target } = options;
  const report = createReport({ target, colour: process.stdout.isTTY && !process.env.NO_COLOR });
  for await (const result of checkRunner(options)) {
    const lines = report.add(result);
    if (!json) process.stdout.write(lines);
  }
  process.stdout.write(json ? `${report.toJson()}\n` : `\n${report.summary()}\n`);
  return report.passed ? 0 : 1;
}

async function readOptions(args: string[]): Promise<ConformanceOptions & { json: boolean }> {
  const { target, language, programs, timeout, rounds, json } = parse(args);
  if (!target || !/^(unix:.+|.+:\d+)$/.test(target)) throw new UsageError('--target must be host:port or unix:/path');
  const programsDir = programs ?? LANGUAGES_DIR;
  const isFolder = await stat(programsDir).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) throw new UsageError(`--programs: ${programsDir} is no folder`);
  return {
    target,
    languages: language ?? [],
    programsDir,
    timeoutMs: wholeNumber('--timeout', timeout, DEFAULT_TIMEOUT_S, MAX_TIMEOUT_S) * 1_000,
    rounds: wholeNumber('--rounds', rounds, 1, MAX_ROUNDS),
    json: json ?? false,
  };
}

function parse(args: string[]) {
  try {
    const options = {
      target: { type: 'string' },
      language: { type: 'string', multiple: true },
      programs: { type: 'string' },
      timeout: { type: 'string' },
      rounds: { type: 'string' },
      json: { type: 'boolean' },
    } as const;
    return parseArgs({ args, options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function wholeNumber(option: string, text: string | undefined, fallback: number, most: number): number {
  const value = text === undefined ? fallback : Number(text);
  const ok = Number.isInteger(value) && value >= 1 && value <= most;
  if (!ok) throw new UsageError(`${option} must be a whole number from 1 to ${most}`);
  return value;
}
