/** What a program must not reach: secrets on the host, and things that tell when they are touched. */
import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where the canaries are, as programs are told. */
interface Whereabouts {
  readonly secretFile: string;
  readonly socketFile: string;
  readonly ports: readonly number[];
  readonly abstract: string;
  readonly peerPort: number;
  readonly peerAbstract: string;
  /** Key of a shared segment of the peer's. */
  readonly key: number;
  /** A file of the host that every run is shown. */
  readonly shared: string;
  readonly hostName: string;
  readonly project: string;
}

export interface Canaries {
  readonly where: Whereabouts;
  /** A folder that every user may look into, for sockets that are to be reached from outside. */
  readonly folder: string;
  /** What a listener of the host's sends, to whoever reaches it. */
  readonly secret: string;
  readonly peerSecret: string;
  /** Which canaries were touched since it was asked last. */
  touched(): Promise<string[]>;
  close(): Promise<void>;
}

const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));

export const newSecret = () => `CANARY-${randomBytes(12).toString('hex')}`;

/** Sets the variable `RUNLANE_CANARY` of this process, which is the parent of what is started from it. */
export async function openCanaries(): Promise<Canaries> {
  const id = randomBytes(4).toString('hex');
  const secret = newSecret();
  process.env.RUNLANE_CANARY = secret;
  // Not below /tmp, which every run covers with its own.
  const folder = await mkdtemp('/var/tmp/runlane-attacks-');
  await chmod(folder, 0o755);
  const secretFile = join(folder, 'secret');
  await writeFile(secretFile, secret);
  await chmod(secretFile, 0o666);
  const socketFile = join(folder, 'listener');
  const abstract = `runlane-attacks-${id}`;
  const touched: string[] = [];
  const servers: Server[] = [];
  const listen = async (name: string, where: { path: string } | { host: string; port: number }) => {
    const server = createServer((connection) => {
      touched.push(name);
      connection.on('error', () => {});
      connection.end(secret);
    });
    server.listen(where);
    await once(server, 'listening');
    servers.push(server);
    return server.address();
  };
  const ports: number[] = [];
  for (const host of ['127.0.0.1', '127.0.0.1']) {
    const address = await listen('a port of the loopback', { host, port: 0 });
    if (typeof address === 'object' && address) ports.push(address.port);
  }
  await listen('an abstract socket', { path: `\0${abstract}` });
  await listen('a socket file', { path: socketFile });
  await chmod(socketFile, 0o777);
  return {
    where: {
      secretFile,
      socketFile,
      ports,
      abstract,
      peerPort: randomInt(20_000, 30_000),
      peerAbstract: `runlane-peer-${id}`,
      key: randomInt(1 << 20, 1 << 30),
      shared: '/usr/bin/env',
      hostName: hostname(),
      project: PROJECT,
    },
    folder,
    secret,
    peerSecret: newSecret(),
    async touched() {
      const seen = touched.splice(0);
      if ((await readFile(secretFile, 'utf8').catch(() => '')) !== secret) {
        seen.push('the secret file, which was changed');
        await writeFile(secretFile, secret);
      }
      return seen;
    },
    async close() {
      for (const server of servers) server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
