/** `runlane conformance`: whether a runner does what workers expect of it. */
import { stat } from 'node:fs/promises';
import { type ConformanceOptions, checkRunner, createReport, tlsCredentials } from '@runlane/conformance';
import { type Called, command, LANGUAGES_DIR, noWords, UsageError, wholeNumber } from './command.js';

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
  --tls-ca FILE      over TLS: the authority that has signed the runner's certificate (PEM)
  --tls-cert FILE    and the certificate to show where the runner demands one
  --tls-key FILE     with its private key
  --rounds N         check everything N times (default: 1)
  --json             print one JSON document instead of a table

Exit code: 0 when nothing failed, 1 when something did, 2 when it was called wrongly.
`;

const options = {
  target: { type: 'string' },
  language: { type: 'string', multiple: true },
  programs: { type: 'string' },
  timeout: { type: 'string' },
  'tls-ca': { type: 'string' },
  'tls-cert': { type: 'string' },
  'tls-key': { type: 'string' },
  rounds: { type: 'string' },
  json: { type: 'boolean' },
} as const;

export const conformance = command({ summary: 'check a runner against the contract', help, options, run });

async function run(called: Called<typeof options>): Promise<number> {
  noWords(called);
  const { json, ...options } = await readOptions(called.values);
  const { target } = options;
  const report = createReport({ target, colour: process.stdout.isTTY && !process.env.NO_COLOR });
  for await (const result of checkRunner(options)) {
    const lines = report.add(result);
    if (!json) process.stdout.write(lines);
  }
  process.stdout.write(json ? `${report.toJson()}\n` : `\n${report.summary()}\n`);
  return report.passed ? 0 : 1;
}

async function readOptions(values: Called<typeof options>['values']): Promise<ConformanceOptions & { json: boolean }> {
  const { target, language, programs, timeout, rounds, json } = values;
  if (!target || !/^(unix:.+|.+:\d+)$/.test(target)) throw new UsageError('--target must be host:port or unix:/path');
  const programsDir = programs ?? LANGUAGES_DIR;
  const isFolder = await stat(programsDir).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) throw new UsageError(`--programs: ${programsDir} is no folder`);
  return {
    target,
    credentials: await readCredentials(values),
    languages: language ?? [],
    programsDir,
    timeoutMs: wholeNumber('--timeout', timeout, DEFAULT_TIMEOUT_S, MAX_TIMEOUT_S) * 1_000,
    rounds: wholeNumber('--rounds', rounds, 1, MAX_ROUNDS),
    json: json ?? false,
  };
}

async function readCredentials(values: Called<typeof options>['values']): Promise<ConformanceOptions['credentials']> {
  const { 'tls-ca': ca, 'tls-cert': cert, 'tls-key': key } = values;
  if ((cert === undefined) !== (key === undefined)) throw new UsageError('--tls-cert and --tls-key belong together');
  if (ca === undefined) {
    if (cert !== undefined) throw new UsageError('--tls-cert is for TLS, which --tls-ca turns on');
    return undefined;
  }
  return tlsCredentials({ ca, ...(cert && key && { own: { cert, key } }) }).catch((error: Error) => {
    throw new UsageError(error.message);
  });
}
