/** What the environment may say to a runner host: the one place that reads it. */
import { availableParallelism, tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { LOG_LEVELS } from '@runlane/core';

export interface Config {
  /** Where gRPC is served: "host:port", or "unix:" and an absolute path. */
  readonly address: string;
  readonly sandbox: 'jail';
  readonly logLevel: (typeof LOG_LEVELS)[number];
  /** Programs at once. */
  readonly slots: number;
  /** Folder for the jail's socket; a folder of our own is made in it. */
  readonly runDir: string;
  /** Socket of a jail service that somebody else started; without it, this process starts its own. */
  readonly jailSocket: string | undefined;
  /** Folder of the languages' folders. */
  readonly languagesDir: string;
  /** Languages to offer; all that are found when empty. */
  readonly languages: readonly string[];
  /** The uid and gid that this process takes on when it is started as root. */
  readonly uid: number;
  readonly allowWeak: boolean;
  readonly artifactCacheBytes: number;
  readonly graceMs: number;
}

const MIB = 1024 * 1024;

/** @throws Error naming every bad variable at once, so that one restart is enough to mend them. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const problems: string[] = [];
  // Compose passes an unset variable as an empty string, so empty counts as unset.
  const text = (name: string) => env[name] || undefined;
  const integer = (name: string, fallback: number, min: number, max: number) => {
    const value = Number(text(name) ?? fallback);
    const ok = Number.isInteger(value) && value >= min && value <= max;
    if (!ok) problems.push(`${name}="${env[name]}" must be a whole number from ${min} to ${max}`);
    return value;
  };
  const oneOf = <T extends string>(name: string, fallback: T, values: readonly T[]) => {
    const value = text(name) ?? fallback;
    if (!(values as readonly string[]).includes(value))
      problems.push(`${name}="${value}" must be ${values.join(' or ')}`);
    return value as T;
  };
  const address = text('RUNNER_ADDRESS') ?? `${text('HOST') ?? '127.0.0.1'}:${integer('GRPC_PORT', 50052, 0, 65_535)}`;
  if (!/^unix:\/./.test(address) && !/^[^/]+:\d+$/.test(address)) {
    problems.push(`RUNNER_ADDRESS="${address}" must be host:port or unix:/path`);
  }
  oneOf('SANDBOX', 'auto', ['jail', 'auto']);
  const config: Config = {
    address,
    sandbox: 'jail',
    logLevel: oneOf('LOG_LEVEL', 'info', LOG_LEVELS),
    slots: integer('RUNNER_SLOTS', Math.max(4, 2 * availableParallelism()), 1, 1000),
    runDir: text('RUN_DIR') ?? tmpdir(),
    jailSocket: text('JAIL_SOCKET'),
    languagesDir: text('LANGUAGES_DIR') ?? fileURLToPath(new URL('../../', import.meta.url)),
    languages:
      text('LANGUAGES')
        ?.split(',')
        .map((name) => name.trim()) ?? [],
    uid: integer('RUNNER_UID', 65_534, 1, 4_294_967_294),
    allowWeak: oneOf('ALLOW_WEAK_ISOLATION', '0', ['0', '1']) === '1',
    artifactCacheBytes: integer('ARTIFACT_CACHE_MB', 256, 1, 65_536) * MIB,
    graceMs: integer('SHUTDOWN_GRACE_MS', 10_000, 0, 600_000),
  };
  if (problems.length > 0) throw new Error(`bad configuration:\n  ${problems.join('\n  ')}`);
  return Object.freeze(config);
}
