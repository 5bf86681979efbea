/** Where runners are: every address behind a name, so that replicas are all seen. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';

export interface RunnerAddress {
  /** `host:port` or `unix:/path`. */
  readonly address: string;
  /** What it was looked up by: over TLS, the name that the runner's certificate must be for. Undefined where that is the address itself. */
  readonly host: string | undefined;
}

/** The name itself where it is a Unix socket. */
export async function addressesOf(name: string): Promise<RunnerAddress[]> {
  if (name.startsWith('unix:')) return [{ address: name, host: undefined }];
  const { host, port } = splitAddress(name);
  const found = await lookup(host, { all: true }).catch(() => []);
  return found.map(({ address, family }) => ({
    address: family === 6 ? `[${address}]:${port}` : `${address}:${port}`,
    host: isIP(host) ? undefined : host,
  }));
}

function splitAddress(name: string): { host: string; port: string } {
  const at = name.lastIndexOf(':');
  return { host: name.slice(0, at).replace(/^\[|\]$/g, ''), port: name.slice(at + 1) };
}
