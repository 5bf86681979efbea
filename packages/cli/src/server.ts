/** The server that a command talks to, and what is said when that fails. */
import { type Client, createClient, type RunlaneError } from '@runlane/client';
import { UsageError } from './command.js';
import { printable } from './printable.js';

const DEFAULT_SERVER = 'http://localhost:3000';
const FIRST_RETRY_FOR_MS = 3_000;

export const SERVER_OPTIONS = { server: { type: 'string' } } as const;

export const SERVER_HELP = `  --server URL          the server (default: RUNLANE_URL, or else ${DEFAULT_SERVER})`;

/** Exit code where Runlane, rather than the program, is why nothing came of it. As that of \`docker run\`. */
export const NOT_DONE = 125;

interface ServerValues {
  readonly server?: string | undefined;
}

/** @throws UsageError where the address is none. */
export function clientFor({ server }: ServerValues): Client {
  return createClient({
    server: serverUrl(server),
    ...(process.env.RUNLANE_API_KEY && { apiKey: process.env.RUNLANE_API_KEY }),
    // Who has not started one wants to hear so soon.
    firstRetryForMs: FIRST_RETRY_FOR_MS,
    onRetry: ({ error, delayMs }) => note(`${error.message}; trying again in ${(delayMs / 1_000).toFixed(1)} s`),
  });
}

export function serverUrl(option: string | undefined): string {
  const url = option ?? (process.env.RUNLANE_URL || DEFAULT_SERVER);
  const source = option === undefined ? 'RUNLANE_URL' : '--server';
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new UsageError(`${source} must be a URL such as ${DEFAULT_SERVER}`);
  return url.replace(/\/+$/, '');
}

/** A line about what goes on; not of the output, so that this can go on to another program. */
export function note(text: string): void {
  process.stderr.write(`runlane: ${printable(text)}\n`);
}

/** Why it could not be done, with every bad field and the way out. */
export function explain(error: RunlaneError): string {
  const refused = error.fields.map(({ field, reason }) => `${field || 'the request'}: ${reason}`);
  const lines = refused.length > 0 ? ['refused:', ...refused.map((line) => `  ${line}`)] : [error.message];
  return printable([...lines, ...waysOut(error)].join('\n'));
}

function waysOut({ code, message, status, jobId }: RunlaneError): string[] {
  if (jobId !== undefined) return [`Job ${jobId} goes on; \`runlane watch ${jobId}\` follows it.`];
  if (status === 401) return ['Set RUNLANE_API_KEY to a key; `runlane keys create` makes one.'];
  if (code !== 'UNREACHABLE') return [];
  // Such as DEPTH_ZERO_SELF_SIGNED_CERT and UNABLE_TO_VERIFY_LEAF_SIGNATURE.
  if (/CERT|VERIFY/.test(message))
    return ['NODE_EXTRA_CA_CERTS names a file with the authority that has signed its certificate.'];
  if (/ERR_SSL/.test(message))
    return ['Something answers there, but not over TLS: its address may begin with http://.'];
  const start = '`npm start` starts a server here; --server URL or RUNLANE_URL names another.';
  return /UND_ERR_SOCKET/.test(message) ? [start, 'One that has TLS begins with https://.'] : [start];
}
