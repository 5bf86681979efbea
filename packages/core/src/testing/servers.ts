/**
 * Real programs for tests: redis-server, a server that speaks MongoDB's protocol (FerretDB over SQLite), grpcurl and k6 (built
 * with Go: go-tools.ts), and what has a file of its own beside this one: a Docker engine, Compose, a browser, and so on.
 * Each is started for one test file, on a free port of 127.0.0.1, and ends with the process that started it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { findOpenssl, prepareOpenssl } from './certificates.js';
import { findChromium, prepareChromium } from './chromium.js';
import { findCompose, prepareCompose } from './compose.js';
import { findDocker, findDockerTools, prepareDocker, prepareDockerTools } from './docker.js';
import { findFaketime, prepareFaketime } from './faketime.js';
import { findGoTool, type GoTool, prepareGoTool } from './go-tools.js';
import { findKubernetesTools, prepareKubernetesTools } from './kubernetes.js';
import { findLanguages, prepareLanguages } from './languages.js';
import { findMachines, prepareMachines } from './machines.js';
import { type Availability, findOnPath, installPackages, prepareAsRoot } from './programs.js';
import { findPromtool, preparePromtool } from './promtool.js';

const START_MS = 10_000;

interface Tool {
  /** Look, without installing or building anything. */
  find(): Availability;
  /** Install or build it where it is missing and that is possible; once done, this costs nothing. */
  prepare(log: (line: string) => void): Promise<Availability>;
}

const goTool = (name: GoTool): Tool => ({ find: () => findGoTool(name), prepare: (log) => prepareGoTool(name, log) });

const TOOLS = {
  'redis-server': { find: findRedis, prepare: prepareRedis },
  'mongo-wire': goTool('mongo-wire'),
  grpcurl: goTool('grpcurl'),
  k6: goTool('k6'),
  promtool: { find: findPromtool, prepare: preparePromtool },
  openssl: { find: findOpenssl, prepare: prepareOpenssl },
  faketime: { find: findFaketime, prepare: prepareFaketime },
  docker: { find: findDocker, prepare: prepareDocker },
  'docker-tools': { find: findDockerTools, prepare: prepareDockerTools },
  compose: { find: findCompose, prepare: prepareCompose },
  machines: { find: findMachines, prepare: prepareMachines },
  'kubernetes-tools': { find: findKubernetesTools, prepare: prepareKubernetesTools },
  languages: { find: findLanguages, prepare: prepareLanguages },
  chromium: { find: findChromium, prepare: prepareChromium },
} as const satisfies Record<string, Tool>;

export type ServerName = keyof typeof TOOLS;

export const SERVERS = Object.keys(TOOLS) as ServerName[];

export interface TestServer {
  readonly url: string;
  readonly port: number;
  /** Of the process that runs now. */
  readonly pid: number;
  /** End it and wait until it is gone. */
  stop(): Promise<void>;
  /** Send a signal. `SIGSTOP` freezes it until `SIGCONT`; `SIGKILL` is waited for. */
  kill(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void>;
  /** Start it again with the same port and folder. */
  restart(): Promise<void>;
}

export interface StartOptions {
  /** Where the server keeps what it keeps; made when it is not there. */
  readonly dir: string;
  /** A free one when unset. */
  readonly port?: number;
}

export const findServer = (name: ServerName): Availability => TOOLS[name].find();

/**
 * For the `skip` option of a test: why it cannot run here, or false.
 * @throws Error instead of a reason when `CI` is `true`: there nothing may be skipped.
 */
export function skipWithout(...names: ServerName[]): string | false {
  const missing = names.map(findServer).flatMap((found) => ('missing' in found ? [found.missing] : []));
  if (missing.length === 0) return false;
  if (process.env.CI === 'true') throw new Error(missing.join('; '));
  return missing.join('; ');
}

/** Install or build what is missing, one after the other, where that is possible; once done, this costs nothing. */
export async function prepareServers({
  log,
}: {
  readonly log: (line: string) => void;
}): Promise<Readonly<Record<ServerName, Availability>>> {
  const prepared: [string, Availability][] = [];
  for (const [name, { prepare }] of Object.entries(TOOLS)) prepared.push([name, await prepare(log)]);
  return Object.fromEntries(prepared) as Record<ServerName, Availability>;
}

function findRedis(): Availability {
  const path = findOnPath('redis-server');
  return path ? { path } : { missing: 'redis-server is not installed: apt-get install redis-server' };
}

/** Install it where root may. */
export function prepareRedis(log: (line: string) => void): Promise<Availability> {
  const packages = ['redis-server'];
  return prepareAsRoot('redis-server', packages, findRedis, () => installPackages(packages, log));
}

/**
 * @param appendOnly keep what it has over a restart; otherwise a restart empties it.
 * @param debug allow the command DEBUG, which can make it stand still.
 */
export function startRedis(
  options: StartOptions & { readonly appendOnly?: boolean; readonly debug?: boolean },
): Promise<TestServer> {
  const persistence = options.appendOnly ? ['yes', '--appendfsync', 'always'] : ['no'];
  const debug = options.debug ? ['--enable-debug-command', 'local'] : [];
  return start('redis-server', 'redis', options, (port) =>
    [
      '--port',
      port,
      '--bind',
      '127.0.0.1',
      '--dir',
      options.dir,
      '--save',
      '',
      '--appendonly',
      persistence,
      debug,
    ].flat(),
  );
}

export function startMongoWire(options: StartOptions): Promise<TestServer> {
  return start('mongo-wire', 'mongodb', options, (port) => [`127.0.0.1:${port}`, options.dir]);
}

async function start(
  name: ServerName,
  scheme: string,
  { dir, port: wantedPort }: StartOptions,
  argumentsFor: (port: string) => string[],
): Promise<TestServer> {
  const found = findServer(name);
  if ('missing' in found) throw new Error(found.missing);
  const { path } = found;
  await mkdir(dir, { recursive: true });
  const port = wantedPort ?? (await freePort());

  async function launch(): Promise<ChildProcess> {
    // What it says is of interest only when it does not start.
    const child = spawn(path, argumentsFor(String(port)), { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data) => (said = `${said}${data}`.slice(-2_000)));
    stopWithThisProcess();
    running.add(child);
    child.once('exit', () => running.delete(child));
    // A test that forgot to stop it still ends.
    child.unref();
    for (const stream of [child.stdout, child.stderr]) (stream as Socket).unref();
    const deadlineMs = performance.now() + START_MS;
    while (!(await answers(port))) {
      if (child.exitCode !== null) throw new Error(`${name} ended instead of starting:\n${said}`);
      if (performance.now() > deadlineMs) throw new Error(`${name} did not answer within ${START_MS} ms:\n${said}`);
      await sleep(20);
    }
    return child;
  }

  let child = await launch();
  async function end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.ref();
    const exited = once(child, 'exit');
    child.kill(signal);
    // A frozen one ends when it is woken.
    child.kill('SIGCONT');
    await exited;
  }

  return {
    url: `${scheme}://127.0.0.1:${port}`,
    port,
    get pid() {
      return child.pid ?? 0;
    },
    stop: () => end('SIGTERM'),
    async kill(signal) {
      if (signal === 'SIGKILL') return end(signal);
      child.kill(signal);
      if (signal === 'SIGSTOP') await stopped(child.pid);
    },
    async restart() {
      await end('SIGTERM');
      child = await launch();
    },
  };
}

/** Resolves when every thread has stopped: on a busy machine, some go on for a moment, and answer. */
async function stopped(pid: number | undefined): Promise<void> {
  const tasks = `/proc/${pid}/task`;
  const isStopped = (task: string) => /^State:\s+T/m.test(readFileSync(`${tasks}/${task}/status`, 'utf8'));
  while (!readdirSync(tasks).every(isStopped)) await sleep(1);
}

/** What runs now. */
const running = new Set<ChildProcess>();
let stopping = false;

/** Servers must not outlive this process, however it ends (but by SIGKILL). */
function stopWithThisProcess(): void {
  if (stopping) return;
  stopping = true;
  const killAll = () => running.forEach((child) => void child.kill('SIGKILL'));
  process.once('exit', killAll);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      killAll();
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
    });
  }
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no port is free');
  return address.port;
}
