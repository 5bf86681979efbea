/**
 * A network for a test's Docker engine alone: bridges, filters and published ports are in a namespace that ends with it, so
 * the machine's own are left as they are and no port is taken. slirp4netns is the way out.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** What it takes, as Debian calls it. */
export const NETWORK_PACKAGES = ['slirp4netns', 'iproute2', 'iptables'] as const;
const PUBLISHED_PORT = fileURLToPath(new URL('./published-port.js', import.meta.url));
const READY_MS = 10_000;

export interface EngineNetwork {
  /** The port of 127.0.0.1 here that leads to what a container publishes on this one. */
  reach(port: number): Promise<number>;
  close(): Promise<void>;
}

/** Of an engine that has the machine's. */
export const HOST_NETWORK: EngineNetwork = { reach: async (port) => port, close: async () => {} };

/**
 * Start a command in such a network. It ends when this process does, however it does.
 * @param log where what it says goes.
 */
export async function startInNetwork(
  words: readonly string[],
  log: number,
): Promise<{ readonly child: ChildProcess; readonly network: EngineNetwork }> {
  // It says that it has its namespace, and waits until that leads somewhere.
  const script = 'ip link set lo up && echo apart && read go && exec "$@"';
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', 'unshare', '--net', 'sh', '-c', script, 'sh', ...words], {
    stdio: ['pipe', 'pipe', log],
  });
  const { stdin, stdout } = child;
  if (!stdin || !stdout) throw new Error('a process without pipes');
  const helpers: ChildProcess[] = [];
  const close = async () => {
    for (const helper of helpers.splice(0)) await end(helper);
  };
  try {
    await Promise.race([once(stdout, 'data'), once(child, 'exit').then(failed('no network namespace'))]);
    const out = spawn(
      'setpriv',
      // Its own loopback is the only one that it sees.
      [
        '--pdeathsig',
        'TERM',
        'slirp4netns',
        '--configure',
        '--mtu=65520',
        '--disable-host-loopback',
        '--ready-fd=3',
      ].concat([String(child.pid), 'tap0']),
      { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] },
    );
    helpers.push(out);
    const ready = out.stdio[3];
    if (!ready) throw new Error('slirp4netns has no pipe');
    await Promise.race([
      once(ready, 'data'),
      once(out, 'exit').then(failed('slirp4netns ended')),
      sleep(READY_MS, undefined, { ref: false }).then(failed('slirp4netns was not ready in time')),
    ]);
    stdout.resume();
    stdin.end('go\n');
  } catch (reason) {
    child.kill('SIGKILL');
    await close();
    throw reason;
  }
  const reached = new Map<number, Promise<number>>();
  return {
    child,
    network: {
      reach(port) {
        const known = reached.get(port) ?? lead(child.pid ?? 0, port, helpers);
        reached.set(port, known);
        return known;
      },
      close,
    },
  };
}

const failed = (why: string) => () => {
  throw new Error(`an engine cannot have a network of its own: ${why}`);
};

/** A socket stays in the network where it was made: this one listens here, and who has it connects there. */
async function lead(pid: number, port: number, helpers: ChildProcess[]): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port is free');
  const helper = spawn(
    'setpriv',
    [
      '--pdeathsig',
      'KILL',
      'nsenter',
      '--target',
      String(pid),
      '--net',
      process.execPath,
      PUBLISHED_PORT,
      String(port),
    ],
    { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
  );
  helpers.push(helper);
  helper.send('listen', server);
  await once(helper, 'message');
  server.close();
  helper.unref();
  helper.channel?.unref();
  return address.port;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.ref();
  child.kill('SIGKILL');
  await exited;
}
