/**
 * Every address of a name, asked of name servers by ourselves. The system's own way (getaddrinfo) holds a thread of this process for
 * as long as a server of some client's choice does not answer, and there are four; so /etc/hosts is not looked at.
 */
import dns from 'node:dns';
import { isIP } from 'node:net';
import { hostOf, isLocalName, LOOPBACK } from '@runlane/core';

/** For each server that is asked, in milliseconds. */
const ANSWER_WITHIN_MS = 2_000;
const TRIES = 2;

/** None where there are none, or nobody said so in time. */
export type Resolve = (url: URL, signal: AbortSignal) => Promise<readonly string[]>;

export const resolveHost: Resolve = async (url, signal) => {
  const host = hostOf(url);
  if (isIP(host) !== 0) return [host];
  if (isLocalName(host)) return [LOOPBACK];
  const resolver = new dns.promises.Resolver({ timeout: ANSWER_WITHIN_MS, tries: TRIES });
  resolver.setServers(dns.getServers());
  const cancel = () => resolver.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    // One of the two may have none, or fail: only what was found, and so is checked, is connected to.
    const found = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
    return found.flatMap((each) => (each.status === 'fulfilled' ? each.value : []));
  } finally {
    signal.removeEventListener('abort', cancel);
  }
};
