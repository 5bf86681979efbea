/**
 * Which addresses a server calls. Command asks when a job is submitted, to refuse what can be seen to be wrong; the worker
 * asks again at every call, of the very addresses that it is about to connect to: what a name leads to may change.
 */
import { isIP } from 'node:net';
import { isIn, isPublicAddress, type Networks, toNetworks } from './addresses.js';

export interface CallbackRules {
  /** What is wrong with calling this address, as far as it can be seen; undefined when nothing is. */
  problem(url: URL): string | undefined;
  mayCall(address: string): boolean;
}

export interface CallbackRulesOptions {
  readonly allowHttp: boolean;
  /** Beside the public internet, in CIDR notation. */
  readonly allowedNetworks: readonly string[];
}

/** A name that always stands for this machine, whatever a name server says (RFC 6761). */
export function isLocalName(name: string): boolean {
  return /(?:^|\.)localhost\.?$/i.test(name);
}

/** The host of a URL; IPv6 without its brackets. */
export function hostOf({ hostname }: URL): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}

export const LOOPBACK = '127.0.0.1';

export function createCallbackRules({ allowHttp, allowedNetworks }: CallbackRulesOptions): CallbackRules {
  const allowed: Networks = toNetworks(allowedNetworks);
  const mayCall = (address: string) => isPublicAddress(address) || isIn(allowed, address);
  return {
    mayCall,
    problem(url) {
      if (url.protocol !== 'https:' && !(allowHttp && url.protocol === 'http:'))
        return 'must begin with https://; this server calls no other (WEBHOOK_ALLOW_HTTP)';
      const host = hostOf(url);
      const address = isLocalName(host) ? LOOPBACK : host;
      // Any other name is looked up when it is called.
      if (isIP(address) === 0 || mayCall(address)) return undefined;
      return 'must be on a public address, or in a network that this server may call (WEBHOOK_ALLOWED_NETWORKS)';
    },
  };
}
