/** The stack of docker-compose.yml on a real engine, driven by `docker compose` as its operator drives it. */
import { execFile, execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { credentials } from '@grpc/grpc-js';
import { execution } from '@runlane/contract';
import { dockerEnv, type TestEngine } from '@runlane/core/testing';
import type { Running } from '../system/platform.contract.js';

const run = promisify(execFile);

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
/** Not the name that the file gives: on an engine of somebody's own there may be one of that name. */
const PROJECT = 'runlane-test';
const LABEL = `label=com.docker.compose.project=${PROJECT}`;
const REST_PORT = 3000;
const GRPC_PORT = 50_051;
const WORKER_PORT = 3001;
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
/** Longest that any one command may take: a first build is among them. */
const COMMAND_MS = 10 * 60_000;

/** Short times, so that what has to run out runs out soon; not so short that a busy machine loses its leases. */
export const IMPATIENT = { LEASE_SECONDS: '8', RECONCILE_SECONDS: '2' };

export interface Container {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly exitCode: number;
  /** As the machine counts, of its first process. */
  readonly pid: number;
  /** How often the engine started it again by itself. */
  readonly restarts: number;
  readonly health: string;
  /** The port here that leads to a port of it that is published. */
  publishedPort(port: number): number | undefined;
}

export interface Stack {
  /** `up`, until everything is healthy. @throws Error with what the containers said, when something is not. */
  up(...words: string[]): Promise<void>;
  compose(...words: string[]): Promise<string>;
  docker(...words: string[]): Promise<string>;
  containers(service: string): Promise<readonly Container[]>;
  /** Those of every service, by service. */
  all(): Promise<ReadonlyMap<string, readonly Container[]>>;
  /** What runs now, to be used like any platform. To be closed. */
  open(): Promise<Running & { close(): void }>;
  /** Everything of it goes, jobs included. */
  down(): Promise<void>;
  /** The names of what there is of it, of a kind (`container`, `network`, `volume`). */
  left(kind: string): Promise<string>;
}

export interface StackOptions {
  readonly files: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

interface Inspected {
  readonly Id: string;
  readonly Name: string;
  readonly RestartCount: number;
  readonly State: { Status: string; ExitCode: number; Pid: number; Health?: { Status: string } };
  readonly Config: { Labels: Record<string, string> };
  readonly NetworkSettings: { Ports: Record<string, { HostPort: string }[] | null> };
}

export function createStack(engine: TestEngine, { files, env }: StackOptions): Stack {
  const options = {
    cwd: ROOT,
    env: { ...dockerEnv(engine), ...env },
    maxBuffer: MAX_OUTPUT_BYTES,
    timeout: COMMAND_MS,
  };
  async function docker(...words: string[]): Promise<string> {
    try {
      const { stdout, stderr } = await run('docker', words, options);
      return stdout || stderr;
    } catch (error) {
      const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
      throw new Error(`docker ${words.join(' ')}:\n${`${stdout}${stderr}`.slice(-2_000) || (error as Error).message}`);
    }
  }
  const compose = (...words: string[]) =>
    docker('compose', '--project-name', PROJECT, ...files.flatMap((file) => ['--file', file]), ...words);

  async function all(): Promise<Map<string, Container[]>> {
    const ids = (await docker('ps', '--all', '--quiet', '--filter', LABEL)).trim();
    const inspected: Inspected[] = ids === '' ? [] : JSON.parse(await docker('inspect', ...ids.split('\n')));
    const byService = new Map<string, Container[]>();
    // By their numbers: the order of `ps` is another each time.
    for (const each of inspected.sort((a, b) => a.Name.localeCompare(b.Name))) {
      const service = each.Config.Labels['com.docker.compose.service'] ?? '';
      byService.set(service, [...(byService.get(service) ?? []), toContainer(each)]);
    }
    return byService;
  }
  const containers = async (service: string) => (await all()).get(service) ?? [];

  async function up(...words: string[]): Promise<void> {
    try {
      await compose('up', '--detach', '--wait', ...words);
    } catch (error) {
      const said = await compose('logs', '--no-color', '--tail', '10').catch(String);
      throw new Error(`${(error as Error).message}\n${said}`);
    }
  }

  return {
    up,
    compose,
    docker,
    containers,
    all,
    async open() {
      const byService = await all();
      const here = (port: number) => engine.network.reach(port);
      const workers = (byService.get('worker') ?? []).map((worker) => worker.publishedPort(WORKER_PORT) ?? 0);
      const grpcAddress = `127.0.0.1:${await here(GRPC_PORT)}`;
      const client = new execution.ExecutionServiceClient(grpcAddress, credentials.createInsecure());
      const each = [...byService.values()].flat();
      return {
        baseUrl: `http://127.0.0.1:${await here(REST_PORT)}`,
        grpcAddress,
        client,
        workerUrls: await Promise.all(workers.map(async (port) => `http://127.0.0.1:${await here(port)}`)),
        processes: Object.fromEntries(
          each.map(({ name, id }) => [
            name,
            {
              get log() {
                return logOf(id);
              },
            },
          ]),
        ),
        close: () => client.close(),
      };
    },
    left: async (kind) =>
      (await docker(kind, 'ls', '--quiet', ...(kind === 'container' ? ['--all'] : []), '--filter', LABEL)).trim(),
    down: async () => void (await compose('down', '--volumes', '--remove-orphans', '--timeout', '30')),
  };

  function logOf(id: string): string[] {
    return execFileSync('docker', ['logs', id], { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
      .toString()
      .split('\n');
  }
}

function toContainer({ Id, Name, RestartCount, State, NetworkSettings }: Inspected): Container {
  return {
    id: Id,
    name: Name.slice(1),
    state: State.Status,
    exitCode: State.ExitCode,
    pid: State.Pid,
    restarts: RestartCount,
    health: State.Health?.Status ?? '',
    publishedPort(port) {
      const published = NetworkSettings.Ports[`${port}/tcp`]?.[0]?.HostPort;
      return published === undefined ? undefined : Number(published);
    },
  };
}
