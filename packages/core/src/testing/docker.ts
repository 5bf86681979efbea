/**
 * A real Docker engine for tests. One that runs already is used and left alone; else, as root, one of our own is started for
 * the test file that needs it, and ends with it: with nothing but containers without a network, or in a network of its own.
 * What it keeps (images) stays in .cache/docker, which must not be on an overlay file system for that to be fast.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { get } from 'node:http';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { MIRROR, SUITE } from './debian.js';
import { type EngineNetwork, HOST_NETWORK, startInNetwork } from './engine-network.js';
import { type Availability, findOnPath, installPackages, prepareAsRoot, ROOT } from './programs.js';

const run = promisify(execFile);

const CACHE = join(ROOT, '.cache/docker');
/** The images' files: made once, as no registry is needed for that. */
const BASE = join(CACHE, 'python.tar');
const TOOLS = join(CACHE, 'tools.tar');
/** Hundreds of megabytes of tools are not for every run of the tests. */
const TOOLS_WANTED = process.env.CI === 'true';
const PACKAGES = ['docker.io', 'debootstrap'] as const;
const SYSTEM_SOCKET = '/var/run/docker.sock';
/** The engine's own sockets: a path in the repository may be too long for one. */
const RUN = `/run/runlane-test-${createHash('sha256').update(ROOT).digest('hex').slice(0, 8)}`;
const OWN_SOCKET = join(RUN, 'docker.sock');
const PID_FILE = join(RUN, 'docker.pid');
const LOG_FILE = join(RUN, 'docker.log');
const START_MS = 30_000;
const STOP_MS = 30_000;
/** Longest that a test file waits until another one's engine has ended: they share their folders. */
const TURN_MS = 10 * 60_000;

/** A small Debian with Python. */
export const TEST_IMAGE = 'runlane-test/python:1';
/** The same with a C compiler and a JDK. */
export const TOOLS_IMAGE = 'runlane-test/tools:1';
const TOOLS_PACKAGES = ['gcc', 'libc6-dev', 'openjdk-17-jdk-headless'] as const;

export interface TestEngine {
  readonly socketPath: string;
  /** Whether it is ours, and holds nothing of anybody else. */
  readonly own: boolean;
  /** Where what its containers publish on the loopback address is reached. */
  readonly network: EngineNetwork;
  /** End it, where it is ours, and wait until it has. */
  stop(): Promise<void>;
}

/** Look, without installing or making anything. */
export function findDocker(): Availability {
  if (!existsSync(BASE)) return { missing: `${BASE} is not made yet: npm test does so, as root` };
  if (existsSync(SYSTEM_SOCKET)) return { path: SYSTEM_SOCKET };
  const path = findOnPath('dockerd');
  if (!path) return { missing: 'no Docker engine runs, and dockerd is not installed: apt-get install docker.io' };
  return process.getuid?.() === 0 ? { path } : { missing: 'no Docker engine runs, and only root can start one' };
}

/** Install the engine and make the base image. */
export function prepareDocker(log: (line: string) => void): Promise<Availability> {
  return prepareAsRoot('a Docker engine for tests', PACKAGES, findDocker, async () => {
    if (!findOnPath('dockerd') || !findOnPath('debootstrap')) await installPackages(PACKAGES, log);
    if (!existsSync(BASE)) {
      // Not every root may start one: in most containers it cannot. To be known before the long part.
      await (await findOrStart()).stop();
      log('making a base image for containers with debootstrap: this takes a minute the first time');
      await makeImage(BASE, ['python3']);
    }
  });
}

/** Whether there is an engine, and an image with tools of languages that need compiling. */
export function findDockerTools(): Availability {
  const how = TOOLS_WANTED ? '' : ' (CI=true npm test makes it, as root)';
  return existsSync(TOOLS) ? findDocker() : { missing: `${TOOLS} is not made yet${how}` };
}

export async function prepareDockerTools(log: (line: string) => void): Promise<Availability> {
  if (!TOOLS_WANTED || 'missing' in findDocker()) return findDockerTools();
  return prepareAsRoot('an image with tools', TOOLS_PACKAGES, findDockerTools, () => {
    log(`making an image with ${TOOLS_PACKAGES.join(', ')}: this takes minutes the first time`);
    return makeImage(TOOLS, ['python3', ...TOOLS_PACKAGES]);
  });
}

/** The files of a Debian with these packages, as a tar. */
export async function makeImage(path: string, packages: readonly string[]): Promise<void> {
  const folder = `${CACHE}/draft-${process.pid}`;
  await mkdir(folder, { recursive: true });
  try {
    const include = `--include=${packages.join(',')}`;
    await run('debootstrap', ['--variant=minbase', include, SUITE, `${folder}/root`, MIRROR], BIG);
    await unmount(folder);
    const leftOut = [
      './var/cache/*',
      './var/lib/apt/lists/*',
      './usr/share/doc/*',
      './usr/share/locale/*',
      './usr/share/man/*',
    ];
    await run('tar', [
      '-C',
      `${folder}/root`,
      ...leftOut.map((path) => `--exclude=${path}`),
      '-cf',
      `${folder}/tar`,
      '.',
    ]);
    await rename(`${folder}/tar`, path);
  } finally {
    await unmount(folder);
    await rm(folder, { recursive: true, force: true });
  }
}

/** One that failed half-way leaves its /proc mounted: neither to be packed nor to be removed file by file. */
async function unmount(folder: string): Promise<void> {
  await run('umount', ['--quiet', `${folder}/root/proc`]).catch(() => {});
}

const BIG = { maxBuffer: 64 * 1024 * 1024 };

/** An engine that has `TEST_IMAGE`, and `TOOLS_IMAGE` where that has been made. */
export async function startDocker(): Promise<TestEngine> {
  const found = findDocker();
  if ('missing' in found) throw new Error(found.missing);
  const engine = await findOrStart();
  await importImage(engine.socketPath, BASE, TEST_IMAGE);
  if (existsSync(TOOLS)) await importImage(engine.socketPath, TOOLS, TOOLS_IMAGE);
  return engine;
}

/** @param networked its containers have networks: an engine of our own then has one to itself, with a way out. */
export async function findOrStart({ networked = false } = {}): Promise<TestEngine> {
  if (await answers(SYSTEM_SOCKET))
    return { socketPath: SYSTEM_SOCKET, own: false, network: HOST_NETWORK, stop: async () => {} };
  return startOwn(networked);
}

async function startOwn(networked: boolean): Promise<TestEngine> {
  const turn = await takeTurn();
  const engine = await startAlone(networked).catch((reason) => {
    turn.close();
    throw reason;
  });
  return { ...engine, stop: () => engine.stop().finally(() => turn.close()) };
}

/** Only one test file of this repository has an engine of its own at a time: the name is free again when its holder is gone. */
async function takeTurn(): Promise<Server> {
  const deadlineMs = performance.now() + TURN_MS;
  for (;;) {
    const holder = createServer().unref();
    const taken = once(holder, 'listening');
    holder.listen(`\0${RUN}`);
    try {
      await taken;
      return holder;
    } catch (reason) {
      if (performance.now() > deadlineMs) throw reason;
      await sleep(200);
    }
  }
}

async function startAlone(networked: boolean): Promise<TestEngine> {
  // Open to all, as the usual one's folder is; the socket itself is for root and its group.
  await mkdir(RUN, { recursive: true, mode: 0o755 });
  // Left behind by a test that was killed: its containers are of no use to anybody.
  await stopProcess(Number(await readFile(PID_FILE, 'utf8').catch(() => '0')));
  await endShims();
  // One folder each: networks that were left behind must not be made again in the machine's own.
  const data = join(CACHE, networked ? 'networked' : 'data');
  const words = ['dockerd', '--data-root', data, '--exec-root', join(RUN, 'exec'), '--pidfile', PID_FILE];
  words.push('--host', `unix://${OWN_SOCKET}`, '--group', '0');
  // Not a pipe: it would end by writing to one whose reader has gone, and leave its containers behind.
  const log = await open(LOG_FILE, 'w');
  const { child, network } = networked ? await startInNetwork(words, log.fd) : startWithoutNetworks(words, log.fd);
  await log.close();
  const said = async () => (await readFile(LOG_FILE, 'utf8')).slice(-2000);
  const deadlineMs = performance.now() + START_MS;
  while (!(await answers(OWN_SOCKET))) {
    if (child.exitCode !== null) throw new Error(`dockerd ended instead of starting:\n${await said()}`);
    if (performance.now() > deadlineMs)
      throw new Error(`dockerd did not answer within ${START_MS} ms:\n${await said()}`);
    await sleep(50);
  }
  return {
    socketPath: OWN_SOCKET,
    own: true,
    network,
    async stop() {
      await stopChild(child);
      await network.close();
      await endShims();
      // One that was killed leaves mounts, which are taken over by the next.
      await rm(RUN, { recursive: true, force: true }).catch(() => {});
    },
  };
}

/** No container of such a test has a network, so the machine's own is left as it is. */
function startWithoutNetworks(words: readonly string[], log: number): { child: ChildProcess; network: EngineNetwork } {
  const without = ['--bridge=none', '--iptables=false', '--ip6tables=false'];
  // Told to end by the kernel when this process does, however it does.
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', ...words, ...without], {
    stdio: ['ignore', 'ignore', log],
  });
  return { child, network: HOST_NETWORK };
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  // It ends its containers and its containerd first.
  child.kill('SIGTERM');
  await exited;
}

/** One that is not our child. */
async function stopProcess(pid: number): Promise<void> {
  const deadlineMs = performance.now() + STOP_MS;
  const isEngine = async () => (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim() === 'dockerd';
  if (pid <= 1 || !(await isEngine())) return;
  process.kill(pid, 'SIGTERM');
  while (await isEngine()) {
    if (performance.now() > deadlineMs) throw new Error(`dockerd ${pid}, left by an earlier test, does not end`);
    await sleep(50);
  }
}

/** An engine that is stopped while it starts a container forgets it: what holds the container is named after our folder. */
async function endShims(): Promise<void> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
    if (!words[0]?.includes('containerd-shim') || !words.some((word) => word.startsWith(`${RUN}/`))) continue;
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
    for (const one of [...children.split(' ').filter(Boolean), pid]) killIfThere(Number(one));
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}

export async function importImage(socketPath: string, path: string, name: string): Promise<void> {
  const host = `unix://${socketPath}`;
  const { stdout } = await run('docker', ['--host', host, 'images', '--quiet', name]);
  if (stdout.trim() === '') await run('docker', ['--host', host, 'import', path, name]);
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    get({ socketPath, path: '/_ping' }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    }).once('error', () => resolve(false));
  });
}
