/** The whole platform as real processes, in its two forms. Everything that is started here is stopped here. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { credentials } from '@grpc/grpc-js';
import { execution } from '@runlane/contract';
import { startMongoWire, startRedis, type TestServer } from '@runlane/core/testing';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const START_MS = 120_000;

/** A process of ours, and what it said when it was ready. */
export interface Started {
  readonly process: ChildProcess;
  readonly said: Record<string, unknown>;
  /** What it wrote to its log so far. */
  readonly log: string[];
}

export interface Platform {
  readonly form: string;
  readonly baseUrl: string;
  readonly grpcAddress: string;
  readonly client: execution.ExecutionServiceClient;
  /** Base URLs of the workers' own HTTP. */
  readonly workerUrls: readonly string[];
  /** The processes by what they are. */
  readonly processes: Readonly<Record<string, Started>>;
  readonly redis?: TestServer;
  readonly mongo?: TestServer;
  stop(): Promise<void>;
}

/**
 * Start a program of ours and wait for the JSON line that says it is ready.
 * @param ready tells that line from others.
 */
export async function startProcess(
  script: string,
  env: NodeJS.ProcessEnv,
  ready: (line: Record<string, unknown>) => boolean,
  nodeArgs: readonly string[] = [],
): Promise<Started> {
  const args = [...nodeArgs, join(ROOT, script), '--json'];
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log: string[] = [];
  return new Promise((resolve, reject) => {
    const fail = (how: string) => {
      child.kill('SIGKILL');
      reject(new Error(`${script} ${how}:\n${log.slice(-20).join('\n')}`));
    };
    const timer = setTimeout(fail, START_MS, `was not ready within ${START_MS} ms`);
    child.once('exit', (code) => {
      clearTimeout(timer);
      fail(`ended with exit code ${code} before it was ready`);
    });
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        log.push(line);
        const said = parse(line);
        if (!said || !ready(said)) return;
        clearTimeout(timer);
        child.removeAllListeners('exit');
        resolve({ process: child, said, log });
      });
    }
  });
}

function parse(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/** SIGTERM, and its exit code; SIGKILL when it does not end in time. */
export async function stopProcess({ process: child }: Started, timeoutMs = 30_000): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exited = once(child, 'exit');
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  child.kill('SIGTERM');
  await exited;
  clearTimeout(timer);
  return child.exitCode;
}

/** @param below an existing folder. */
export function temporaryFolder(below = tmpdir()): Promise<string> {
  return mkdtemp(join(below, 'runlane-system-'));
}

function connectClient(address: string): execution.ExecutionServiceClient {
  return new execution.ExecutionServiceClient(address, credentials.createInsecure());
}

/** Of a platform that wants keys, with `AUTH=keys`. */
export const ADMIN_KEY = 'an-operators-own-key-0123456789abcdef';

/** `npm start`'s own program, with everything embedded. */
export async function startEmbedded(folder: string, env: NodeJS.ProcessEnv = {}): Promise<Platform> {
  const started = await startProcess(
    'services/standalone/dist/main.js',
    { HTTP_PORT: '0', GRPC_PORT: '0', DATA_DIR: folder, MONGO_URL: '', REDIS_URL: '', RUNNERS: '', ...env },
    ({ httpPort }) => httpPort !== undefined,
  );
  const { httpPort, grpcPort, workerHttpPort } = started.said;
  const grpcAddress = `127.0.0.1:${grpcPort}`;
  const client = connectClient(grpcAddress);
  return {
    form: 'embedded',
    baseUrl: `http://127.0.0.1:${httpPort}`,
    grpcAddress,
    client,
    workerUrls: [`http://127.0.0.1:${workerHttpPort}`],
    processes: { standalone: started },
    async stop() {
      client.close();
      await stopProcess(started);
    },
  };
}

export interface DistributedOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Arguments of Node for the workers: how the control switches claims off. */
  readonly workerNodeArgs?: readonly string[];
  /** Fills the server that speaks MongoDB, before anything of the platform starts. */
  readonly restore?: (mongoUrl: string) => Promise<unknown>;
}

/** Command, three workers and a runner as processes of their own, over a real Redis and a server that speaks MongoDB. */
export async function startDistributed({
  env = {},
  workerNodeArgs = [],
  restore,
}: DistributedOptions = {}): Promise<Platform> {
  const folder = await temporaryFolder();
  const opened: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  const stop = async () => {
    for (const close of opened.toReversed()) await close();
  };
  try {
    const redis = await startRedis({ dir: join(folder, 'redis') });
    opened.push(() => redis.stop());
    const mongo = await startMongoWire({ dir: join(folder, 'mongo') });
    opened.push(() => mongo.stop());
    const mongoUrl = `${mongo.url.replace(/\/$/, '')}/runlane`;
    await restore?.(mongoUrl);
    const common = {
      MONGO_URL: mongoUrl,
      REDIS_URL: redis.url,
      LOG_LEVEL: 'info',
      HTTP_PORT: '0',
      GRPC_PORT: '0',
      ...env,
    };
    const start = async (script: string, more: NodeJS.ProcessEnv, said: string, nodeArgs: readonly string[] = []) => {
      const started = await startProcess(script, { ...common, ...more }, ({ msg }) => msg === said, nodeArgs);
      opened.push(() => stopProcess(started));
      return started;
    };
    const runner = await start(
      'services/runners/host/dist/main.js',
      { RUNNER_ADDRESS: '127.0.0.1:0' },
      'runner serves',
    );
    const workerEnv = { RUNNERS: String(runner.said.address) };
    const workers = await Promise.all(
      [1, 2, 3].map(() => start('services/worker/dist/main.js', workerEnv, 'worker is listening', workerNodeArgs)),
    );
    const command = await start('services/command/dist/main.js', {}, 'command is listening');
    const grpcAddress = `127.0.0.1:${command.said.grpcPort}`;
    const client = connectClient(grpcAddress);
    opened.push(async () => client.close());
    const named = Object.fromEntries(workers.map((worker, index) => [`worker${index + 1}`, worker]));
    return {
      form: 'distributed',
      baseUrl: `http://127.0.0.1:${command.said.httpPort}`,
      grpcAddress,
      client,
      workerUrls: workers.map(({ said }) => `http://127.0.0.1:${said.httpPort}`),
      processes: { command, runner, ...named },
      redis,
      mongo,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
