/** What the environment says to a runner host, as the host uses it. */
import { availableParallelism, tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { readConfig } from '@runlane/core';
import { runnerTlsFiles, type TlsFiles } from '@runlane/core/tls';
import type { PythonOptions } from './sandbox/jail/launch.js';

export interface Config {
  readonly sandbox: 'auto' | 'jail' | 'docker';
  readonly docker: {
    readonly socketPath: string;
    readonly runtime: string | undefined;
    /** Language → image, instead of the manifest's; "*" → that of every other language. */
    readonly images: ReadonlyMap<string, string>;
    /** Containers of each image that wait for runs. */
    readonly poolSize: number;
  };
  /** Where gRPC is served: "host:port", or "unix:" and an absolute path. */
  readonly address: string;
  /** What it proves itself by to workers, and knows them by. Undefined: it serves in the open, as on Unix sockets always. */
  readonly tls: TlsFiles | undefined;
  /** Programs at once. */
  readonly slots: number;
  /** Interpreters that wait for a program of their language, at most. */
  readonly preludes: number;
  /** Folder for the jail's socket; a folder of our own is made in it. */
  readonly runDir: string;
  /** Socket of a jail service that somebody else started; without it, this process starts its own. */
  readonly jailSocket: string | undefined;
  /** Folder for the groups of runs; without it they are made where this process is. */
  readonly jailCgroups: string | undefined;
  /** Folder of the languages' folders. */
  readonly languagesDir: string;
  /** Where what toolchains have made once is kept. Without it, in a folder that ends with the host. */
  readonly toolchainsDir: string | undefined;
  /** Languages to offer; all that are found when empty. */
  readonly languages: readonly string[];
  /** The uid and gid that this process takes on when it is started as root. */
  readonly uid: number;
  readonly python: PythonOptions;
  readonly allowWeak: boolean;
  readonly artifactCacheBytes: number;
  /** Longest that runs may go on after the host was told to stop, in milliseconds. */
  readonly graceMs: number;
}

/** @throws Error naming every bad variable at once. */
export function readRunnerConfig(env: NodeJS.ProcessEnv): Config {
  const read = readConfig(
    env,
    [
      'HOST',
      'GRPC_PORT',
      'RUNNER_ADDRESS',
      'RUNNER_TLS_CERT',
      'RUNNER_TLS_KEY',
      'RUNNER_TLS_CA',
      'RUNNER_SLOTS',
      'RUNNER_PRELUDES',
      'RUN_DIR',
      'JAIL_SOCKET',
      'JAIL_CGROUPS',
      'LANGUAGES_DIR',
      'LANGUAGES',
      'TOOLCHAINS_DIR',
      'RUNNER_UID',
      'SANDBOX',
      'DOCKER_SOCKET',
      'DOCKER_RUNTIME',
      'DOCKER_IMAGES',
      'DOCKER_POOL_SIZE',
      'PYTHON_VENV',
      'PYTHON_PRELOAD',
      'ALLOW_WEAK_ISOLATION',
      'ARTIFACT_CACHE_MB',
      'SHUTDOWN_SECONDS',
    ],
    { GRPC_PORT: '50052' },
  );
  const address = read.RUNNER_ADDRESS ?? `${read.HOST}:${read.GRPC_PORT}`;
  const slots = read.RUNNER_SLOTS ?? Math.max(4, 2 * availableParallelism());
  return {
    sandbox: read.SANDBOX,
    docker: {
      socketPath: read.DOCKER_SOCKET,
      runtime: read.DOCKER_RUNTIME,
      images: read.DOCKER_IMAGES ?? new Map(),
      poolSize: read.DOCKER_POOL_SIZE ?? slots,
    },
    address,
    tls: address.startsWith('unix:') ? undefined : runnerTlsFiles(read),
    slots,
    preludes: read.RUNNER_PRELUDES,
    runDir: read.RUN_DIR ?? tmpdir(),
    jailSocket: read.JAIL_SOCKET,
    jailCgroups: read.JAIL_CGROUPS,
    languagesDir: read.LANGUAGES_DIR ?? fileURLToPath(new URL('../../', import.meta.url)),
    languages: read.LANGUAGES ?? [],
    toolchainsDir: read.TOOLCHAINS_DIR,
    uid: read.RUNNER_UID,
    python: { venv: read.PYTHON_VENV, preload: read.PYTHON_PRELOAD },
    allowWeak: read.ALLOW_WEAK_ISOLATION,
    artifactCacheBytes: read.ARTIFACT_CACHE_MB,
    graceMs: read.SHUTDOWN_SECONDS,
  };
}
