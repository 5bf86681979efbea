/** The Runlane server that programs are run by, and what it has just now. */
import type { Client, Language } from '@runlane/client';

export interface Platform {
  readonly client: Client;
  /** Where the server is, without a slash at its end. */
  readonly url: string;
}

/** A client of MCP waits for an answer to its first request: a server that is away must not keep it. */
const ANSWER_MS = 1_500;

/** Undefined where the server does not tell: what is said without it is still true once it is there. */
export function languagesNow({ client }: Platform): Promise<Language[] | undefined> {
  return client.languages({ signal: AbortSignal.timeout(ANSWER_MS) }).catch(() => undefined);
}

/** What can be run, such as "java 17.0.2 or 21.0.1, python 3.11.2". */
export function inOneLine(languages: readonly Language[]): string {
  const versions = new Map<string, string[]>();
  for (const { name, version, available } of languages) {
    if (available) versions.set(name, [...(versions.get(name) ?? []), version]);
  }
  return [...versions].map(([name, all]) => `${name} ${all.join(' or ')}`).join(', ');
}
