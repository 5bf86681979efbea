/** Everything that is broken on purpose: the platform as processes that are started again when they end, its servers, and the ways between them. */
import { chmod, mkdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findServer, startMongoWire, startRedis, type TestServer } from '@runlane/core/testing';
import { startProcess, temporaryFolder } from '../system/platforms.js';
import { freePort, pidOf } from '../system/processes.js';
import { type Clock, createClock } from './clock.js';
import { createSmallDisk, type SmallDisk } from './disk.js';
import { type Member, type MemberKind, superviseMember } from './member.js';
import { startWay, type Way } from './way.js';

/** Seconds that a claim holds: short, so that what has to run out runs out soon, and shorter than any freeze. */
const LEASE_MS = 3_000;

/** Short times; and so many attempts that no fault of ours uses them up: an `error` is then the platform's fault. */
const IMPATIENT = {
  LEASE_SECONDS: String(LEASE_MS / 1_000),
  RECONCILE_SECONDS: '5',
  MAX_ATTEMPTS: '100',
  SHUTDOWN_SECONDS: '5',
  LANGUAGES: 'python',
  LOG_LEVEL: 'info',
};

const TELLS_RUNS = fileURLToPath(new URL('../../chaos/tells-runs.mjs', import.meta.url));

export interface World {
  readonly baseUrl: string;
  readonly grpcAddress: string;
  readonly members: readonly Member[];
  readonly redis: TestServer;
  readonly store: TestServer;
  /** As workers and command reach the store, but straight: for whoever judges. */
  readonly storeUrl: string;
  /** What lies between a kind of process and a server: `command-redis` and so on. */
  readonly ways: Readonly<Record<string, Way>>;
  /** Of the worker whose clock can be set; undefined where there is no faketime. */
  readonly clock: Clock | undefined;
  /** Of the runner whose disk can be filled; undefined where this is not root. */
  readonly disk: SmallDisk | undefined;
  readonly runsFile: string;
  stop(): Promise<void>;
}

export interface WorldOptions {
  readonly workers: number;
  /** Further arguments of Node for the workers: how the control switches claims off. */
  readonly workerNodeArgs?: readonly string[];
}

export async function startWorld({ workers, workerNodeArgs = [] }: WorldOptions): Promise<World> {
  const folder = await temporaryFolder(await inMemory());
  // Runners become another user, who finds his disk in here.
  await chmod(folder, 0o711);
  const opened: (() => unknown)[] = [() => rm(folder, { recursive: true, force: true })];
  const stop = async () => {
    for (const close of opened.toReversed()) await close();
  };
  try {
    const redis = await startRedis({ dir: join(folder, 'redis'), port: await freePort(), debug: true });
    opened.push(redis.stop);
    const store = await startMongoWire({ dir: join(folder, 'store'), port: await freePort() });
    opened.push(store.stop);

    const ways: Record<string, Way> = {};
    for (const from of ['command', 'workers'])
      for (const [to, { port }] of [['redis', redis] as const, ['store', store] as const]) {
        const way = await startWay(port);
        opened.push(way.close);
        ways[`${from}-${to}`] = way;
      }
    const serversBy = (from: string) => ({
      MONGO_URL: `mongodb://127.0.0.1:${ways[`${from}-store`]?.port}/runlane`,
      REDIS_URL: `redis://127.0.0.1:${ways[`${from}-redis`]?.port}`,
    });

    const members: Member[] = [];
    async function add(name: string, kind: MemberKind, env: NodeJS.ProcessEnv, nodeArgs: readonly string[] = []) {
      const { script, ready } = PROGRAMS[kind];
      const start = () => startProcess(script, { ...IMPATIENT, ...env }, ({ msg }) => msg === ready, nodeArgs);
      const member = await superviseMember(name, kind, start);
      opened.push(member.stop);
      members.push(member);
    }

    // What a killed runner leaves behind goes with everything else.
    const runnersTmp = join(folder, 'tmp');
    await mkdir(runnersTmp);
    await chmod(runnersTmp, 0o1777);
    const disk = await createSmallDisk(join(folder, 'disk'));
    if (disk) opened.push(disk.remove);
    const runsFile = join(folder, 'runs');
    const faketime = findServer('faketime');
    const clock = 'path' in faketime ? await createClock(faketime.path, join(folder, 'clock')) : undefined;
    opened.push(() =>
      clock?.cleanAfter(members.flatMap(({ processes }) => processes.map((started) => pidOf(started)))),
    );
    const runnerPorts = [await freePort(), await freePort()];
    const workerPorts = await Promise.all(Array.from({ length: workers }, freePort));
    const port = await freePort();
    // At once: each waits for what it needs.
    await Promise.all([
      ...runnerPorts.map((runnerPort, index) =>
        add(`runner${index + 1}`, 'runner', {
          RUNNER_ADDRESS: `127.0.0.1:${runnerPort}`,
          RUNNER_SLOTS: '4',
          TMPDIR: (index === 0 && disk?.path) || runnersTmp,
        }),
      ),
      ...workerPorts.map((workerPort, index) => {
        const env = {
          ...serversBy('workers'),
          RUNNERS: runnerPorts.map((runnerPort) => `127.0.0.1:${runnerPort}`).join(),
          HTTP_PORT: String(workerPort),
          CHAOS_RUNS_FILE: runsFile,
          ...(clock && index === 0 && clock.envOf(workerPort)),
        };
        return add(`worker${index + 1}`, 'worker', env, ['--import', TELLS_RUNS, ...workerNodeArgs]);
      }),
      add('command', 'command', { ...serversBy('command'), HTTP_PORT: String(port), GRPC_PORT: String(port + 1) }),
    ]);

    members.sort((a, b) => a.name.localeCompare(b.name));
    return {
      baseUrl: `http://127.0.0.1:${port}`,
      grpcAddress: `127.0.0.1:${port + 1}`,
      members,
      redis,
      store,
      storeUrl: `mongodb://127.0.0.1:${store.port}/runlane`,
      ways,
      clock,
      disk,
      runsFile,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

const MEMORY = '/dev/shm';
const ENOUGH_BYTES = 512 * 1024 * 1024;

/**
 * Where the servers keep their files: in memory, where there is enough of it. The server of the store waits for the disk at every
 * write, and a disk that others use too would decide how fast everything here is. What a killed process wrote stays there, too.
 */
async function inMemory(): Promise<string | undefined> {
  const free = await statfs(MEMORY).catch(() => undefined);
  return free && free.bavail * free.bsize >= ENOUGH_BYTES ? MEMORY : undefined;
}

const PROGRAMS: Readonly<Record<MemberKind, { readonly script: string; readonly ready: string }>> = {
  command: { script: 'services/command/dist/main.js', ready: 'command is listening' },
  worker: { script: 'services/worker/dist/main.js', ready: 'worker is listening' },
  runner: { script: 'services/runners/host/dist/main.js', ready: 'runner serves' },
};
