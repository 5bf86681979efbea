/** Who may reach command: nobody from elsewhere, unless whoever runs it has said that they may. */
import { BlockList, isIP } from 'node:net';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** @throws Error that says what to do, where `host` can be reached from other machines and nothing says that this is meant. */
export function checkOpenness(host: string, auth: 'none' | 'keys' | undefined): void {
  if (auth !== undefined || isLoopback(host)) return;
  const why = 'whoever reaches it could run programs and see every job';
  throw new Error(
    `HOST is ${host}, which other machines may reach: ${why}. Set AUTH=keys, or HOST to 127.0.0.1, or keep others out and set AUTH=none`,
  );
}

/** A name may stand for any address, but for those that always stand for this machine (RFC 6761). */
export function isLoopback(host: string): boolean {
  const version = isIP(host);
  return version === 0 ? /^(.+\.)?localhost$/i.test(host) : LOOPBACK.check(host, version === 4 ? 'ipv4' : 'ipv6');
}
