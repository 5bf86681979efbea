/** `runlane keys`: make, list and revoke API keys, with a key that may. */
import type { ApiKey, Client } from '@runlane/client';
import { SCOPES } from '@runlane/contract';
import { type Called, command, UsageError, wholeNumber } from './command.js';
import { clientFor, SERVER_HELP, SERVER_OPTIONS } from './server.js';
import { table } from './table.js';

const HIGHEST_LIMIT = 1_000_000_000;
const UNITS_HOURS: Record<string, number> = { h: 1, d: 24 };

const help = `Usage: runlane keys create NAME [options]
       runlane keys list [--json]
       runlane keys revoke ID…

Makes, lists and revokes API keys. RUNLANE_API_KEY must be a key with the scope "admin": the first is ADMIN_KEY, of the server.

  --scope NAME                submit, read or admin; may be given several times (default: submit and read)
  --expires TIME              90d, 12h, or a time such as 2030-01-31T12:00:00Z (default: never)
  --owner NAME                whose jobs it makes and sees: keys with the same owner share them (default: its own)
  --requests-per-minute N     requests in a minute (default: unlimited, as the next two)
  --unfinished-jobs N         jobs without a result at once
  --cpu-seconds-per-day N     processor time of programs in 24 hours, in seconds
  --json                      print JSON
${SERVER_HELP.replace('URL    ', 'URL          ')}

create prints the key, which nobody can tell again, and nothing else to standard output.

Exit code: 0 when that was done, 125 when it was not, 2 when it was called wrongly.
`;

const options = {
  ...SERVER_OPTIONS,
  scope: { type: 'string', multiple: true },
  expires: { type: 'string' },
  owner: { type: 'string' },
  'requests-per-minute': { type: 'string' },
  'unfinished-jobs': { type: 'string' },
  'cpu-seconds-per-day': { type: 'string' },
  json: { type: 'boolean' },
} as const;

type CalledKeys = Called<typeof options>;

export const keys = command({
  summary: 'make, list and revoke API keys',
  help,
  options,
  async run({ values, words: [action, ...words], rest }: CalledKeys) {
    const client = clientFor(values);
    const called = { values, words: [...words, ...rest], rest: [] };
    if (action === 'create') return create(client, called);
    if (action === 'list') return list(client, called);
    if (action === 'revoke') return revoke(client, called);
    throw new UsageError(action === undefined ? 'what? create, list or revoke' : `"${action}" is nothing that it does`);
  },
});

async function create(client: Client, { values, words }: CalledKeys): Promise<number> {
  const [name, ...others] = words;
  if (name === undefined || others.length > 0)
    throw new UsageError('create NAME: call it something, in quotes if need be');
  const created = await client.createKey({
    name,
    ...(values.scope && { scopes: values.scope.map(toScope) }),
    ...(values.owner !== undefined && { ownerId: values.owner }),
    ...(values.expires !== undefined && { expiresAt: toTime(values.expires) }),
    limits: {
      requestsPerMinute: limit('requests-per-minute', values),
      unfinishedJobs: limit('unfinished-jobs', values),
      cpuSecondsPerDay: limit('cpu-seconds-per-day', values),
    },
  });
  process.stdout.write(values.json ? `${JSON.stringify(created, undefined, 2)}\n` : `${created.key}\n`);
  if (!values.json) process.stderr.write(`runlane: made "${name}", id ${created.id}; nobody can tell the key again\n`);
  return 0;
}

async function list(client: Client, { values, words }: CalledKeys): Promise<number> {
  if (words.length > 0) throw new UsageError(`"${words[0]}" is nothing that list takes`);
  const all: ApiKey[] = [];
  let cursor: string | undefined;
  do {
    const page = await client.listKeys(cursor === undefined ? {} : { cursor });
    all.push(...page.keys);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  const rows = all
    .toSorted((a, b) => a.createdAt.localeCompare(b.createdAt))
    .map((key) => [key.id, key.name, key.scopes.join(' '), key.ownerId, limitsOf(key), key.createdAt, stateOf(key)]);
  const text = table([['id', 'name', 'scopes', 'owner', 'limits', 'created', 'state'], ...rows]);
  process.stdout.write(values.json ? `${JSON.stringify({ keys: all }, undefined, 2)}\n` : text);
  return 0;
}

async function revoke(client: Client, { words }: CalledKeys): Promise<number> {
  if (words.length === 0) throw new UsageError('revoke which? Give the id of a key; `runlane keys list` tells them');
  for (const id of words) await client.revokeKey(id);
  return 0;
}

function limitsOf({ limits: { requestsPerMinute, unfinishedJobs, cpuSecondsPerDay } }: ApiKey): string {
  const told = [
    requestsPerMinute && `${requestsPerMinute} requests/min`,
    unfinishedJobs && `${unfinishedJobs} jobs`,
    cpuSecondsPerDay && `${cpuSecondsPerDay} s CPU/day`,
  ];
  return told.filter(Boolean).join(', ') || 'none';
}

function stateOf({ revokedAt, expiresAt }: ApiKey): string {
  if (revokedAt !== undefined) return `revoked ${revokedAt}`;
  if (expiresAt === undefined) return 'valid';
  return `${Date.parse(expiresAt) <= Date.now() ? 'expired' : 'valid until'} ${expiresAt}`;
}

function toScope(text: string) {
  const found = SCOPES.find((scope) => scope === text);
  if (found) return found;
  throw new UsageError(`--scope ${text}: there are ${SCOPES.join(', ')}`);
}

function toTime(text: string): string {
  const [, count, unit = ''] = /^(\d+)([hd])$/.exec(text) ?? [];
  const atMs =
    count === undefined ? Date.parse(text) : Date.now() + Number(count) * (UNITS_HOURS[unit] ?? 0) * 3_600_000;
  if (Number.isFinite(atMs) && atMs < 8.64e15) return new Date(atMs).toISOString();
  throw new UsageError(`--expires ${text}: it must be such as 90d, 12h or 2030-01-31T12:00:00Z`);
}

function limit(
  name: 'requests-per-minute' | 'unfinished-jobs' | 'cpu-seconds-per-day',
  values: CalledKeys['values'],
): number | undefined {
  const text = values[name];
  return text === undefined ? undefined : wholeNumber(`--${name}`, text, 0, HIGHEST_LIMIT);
}
