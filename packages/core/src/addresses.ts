/**
 * Which addresses are somebody else's, on the public internet: what a client may have us call. All others (this machine, its
 * networks, what answers to anybody inside of a cloud) may trust whoever reaches them, and we would be who does.
 */
import { BlockList, isIP, isIPv4 } from 'node:net';

/** As the IANA's registry of special-purpose addresses has them, and what clouds answer at beyond it. */
// biome-ignore format: a table
const NOT_PUBLIC_IPV4 = [
  '0.0.0.0/8',          // this network; 0.0.0.0 reaches this machine
  '10.0.0.0/8',         // private (RFC 1918)
  '100.64.0.0/10',      // carriers' (RFC 6598); metadata of Alibaba Cloud
  '127.0.0.0/8',        // loopback
  '168.63.129.16/32',   // what Azure's machines ask for their configuration
  '169.254.0.0/16',     // link-local; metadata of most clouds
  '172.16.0.0/12',      // private
  '192.0.0.0/24',       // protocol assignments; metadata of Oracle Cloud
  '192.0.2.0/24',       // documentation
  '192.88.99.0/24',     // relays of 6to4
  '192.168.0.0/16',     // private
  '198.18.0.0/15',      // benchmarks
  '198.51.100.0/24',    // documentation
  '203.0.113.0/24',     // documentation
  '224.0.0.0/4',        // multicast
  '240.0.0.0/4',        // reserved; broadcast
];

/** All that is public is in here. So what has no purpose yet, and unique local, link-local and multicast addresses, are not. */
const GLOBAL_IPV6 = ['2000::/3'];
// biome-ignore format: a table
const NOT_PUBLIC_IPV6 = [
  '2001::/23',          // protocol assignments: Teredo, benchmarks, ORCHID
  '2001:db8::/32',      // documentation
  '2002::/16',          // 6to4, which holds an IPv4 address that a relay would call
  '3ffe::/16',          // 6bone, given back
  '3fff::/20',          // documentation
];

/** Whose last 32 bits are the IPv4 address that is called: IPv4-mapped, and NAT64 by its well-known prefix (RFC 6052). */
const MAPPED = [0, 0, 0, 0, 0, 0xffff];
const NAT64 = [0x64, 0xff9b, 0, 0, 0, 0];

const notPublicIpv4 = toNetworks(NOT_PUBLIC_IPV4);
const globalIpv6 = toNetworks(GLOBAL_IPV6);
const notPublicIpv6 = toNetworks(NOT_PUBLIC_IPV6);

export type Networks = Pick<BlockList, 'check'>;

/** @param cidrs such as `10.0.0.0/8`; each must be one (`isNetwork`). */
export function toNetworks(cidrs: readonly string[]): Networks {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address = '', prefix] = cidr.split('/');
    list.addSubnet(address, Number(prefix), familyOf(address));
  }
  return list;
}

export function isNetwork(cidr: string): boolean {
  const [, address = '', prefix] = /^([0-9a-f.:]+)\/(\d{1,3})$/i.exec(cidr) ?? [];
  return isIP(address) !== 0 && Number(prefix) <= (isIPv4(address) ? 32 : 128);
}

export function isIn(networks: Networks, address: string): boolean {
  const plain = embeddedIpv4(address, MAPPED) ?? address;
  return isIP(plain) !== 0 && !plain.includes('%') && networks.check(plain, familyOf(plain));
}

/** @param address as `node:net` writes it. What is none, or is only an address beside an interface's name, is not public. */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 0 || address.includes('%')) return false;
  const inner = embeddedIpv4(address, MAPPED) ?? embeddedIpv4(address, NAT64) ?? address;
  if (isIPv4(inner)) return !notPublicIpv4.check(inner, 'ipv4');
  return globalIpv6.check(inner, 'ipv6') && !notPublicIpv6.check(inner, 'ipv6');
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv4(address) ? 'ipv4' : 'ipv6';
}

/** The IPv4 address in an IPv6 address that begins with `prefix`. */
function embeddedIpv4(address: string, prefix: readonly number[]): string | undefined {
  if (isIP(address) !== 6 || address.includes('%')) return undefined;
  const groups = groupsOf(address);
  if (prefix.some((group, index) => groups[index] !== group)) return undefined;
  return groups
    .slice(prefix.length)
    .flatMap((group) => [group >> 8, group & 0xff])
    .join('.');
}

/** The eight numbers of an IPv6 address, however it is written. */
function groupsOf(address: string): number[] {
  const written = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [head = [], tail = []] = written
    .split('::')
    .map((half) => half.split(':').flatMap((group) => (group === '' ? [] : [Number.parseInt(group, 16)])));
  return [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail];
}
