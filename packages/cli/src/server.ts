/** The server that a command talks to, and what is said when that fails. */
import { type Client, createClient, type RunlaneError } from '@runlane/client';
import { UsageError } from './command.js';
import { printable } from './printable.js';

const DEFAULT_SERVER = 'http://localhost:3000';

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
export function explain({ code, message, fields, status }: RunlaneError): string {
  const refused = fields.map(({ field, reason }) => `${field || 'the request'}: ${reason}`);
  const lines = refused.length > 0 ? ['refused:', ...refused.map((line) => `  ${line}`)] : [message];
  // Such as DEPTH_ZERO_SELF_SIGNED_CERT and UNABLE_TO_VERIFY_LEAF_SIGNATURE.
  const isOfTls = /CERT|VERIFY/.test(message);
  if (isOfTls) lines.push('NODE_EXTRA_CA_CERTS names a file with the authority that has signed its certificate.');
  else if (code === 'UNREACHABLE')
    lines.push('`npm start` starts a server here; --server URL or RUNLANE_URL names another.');
  if (status === 401) lines.push('Set RUNLANE_API_KEY to a key; `runlane keys create` makes one.');
  return printable(lines.join('\n'));
}
