/**
 * `npm start`: the whole platform on one machine, as few processes: command and worker in one, the runner in another, the
 * jail below it. As root, only the jail's launcher keeps root's rights; the others run as users who have none.
 */
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { environmentFor, readConfig, variablesOf } from '@runlane/core';
import { banner } from './banner.js';
import { type Child, EndedError, keepRunning } from './child.js';
import { makeAndGive } from './give-folder.js';

/** Ids that no distribution gives to anybody. Two, so that neither service can touch the other's process or files. */
const PLATFORM_UID = 64_901;
const RUNNER_UID = 64_902;
/** What they share: the runner's socket. */
const SHARED_GID = 64_900;

/** The launcher's exit code where what it was given cannot be used: `MISCONFIGURED` in launcher.py. */
const JAIL_MISCONFIGURED = 78;

const root = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
const asRoot = process.getuid?.() === 0;
const python = ['/usr/bin/python3', '/usr/local/bin/python3'].find(existsSync) ?? 'python3';
const startedAtMs = performance.now();

/** Of files that command and the worker read themselves. */
const TLS_VARIABLES = ['TLS_CERT', 'TLS_KEY', 'RUNNER_TLS_CERT', 'RUNNER_TLS_KEY', 'RUNNER_TLS_CA'] as const;

const asJson = process.argv.includes('--json');

/** For people; whoever asked for JSON gets the one line that says it is ready. */
function say(text: string): void {
  if (!asJson) process.stdout.write(`${text}\n`);
}

/** Whether it is a folder that this user made: in /tmp, anybody can make one of any name. */
function isOwnFolder(path: string): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found?.isDirectory() === true && found.uid === process.getuid?.();
}

/** A folder for sockets, for as long as this runs. What a killed predecessor left is swept. */
function makeRunFolder(): string {
  for (const name of readdirSync(tmpdir())) {
    const [, pid] = /^runlane-start-(\d+)-/.exec(name) ?? [];
    const path = `${tmpdir()}/${name}`;
    if (pid && !existsSync(`/proc/${pid}`) && isOwnFolder(path)) rmSync(path, { recursive: true, force: true });
  }
  const folder = mkdtempSync(`${tmpdir()}/runlane-start-${process.pid}-`);
  mkdirSync(`${folder}/runner`, { mode: 0o750 });
  if (asRoot) {
    chownSync(folder, 0, SHARED_GID);
    chmodSync(folder, 0o750);
    chownSync(`${folder}/runner`, RUNNER_UID, SHARED_GID);
  }
  return folder;
}

/** A folder for what toolchains make once: every user on the machine may read it, the runner fills it. */
function makeToolchainsDir(
  path = asRoot ? '/var/cache/runlane/toolchains' : `${cacheFolder()}/runlane/toolchains`,
): string {
  const recipient = { variable: 'TOOLCHAINS_DIR', uid: RUNNER_UID, mode: 0o755, holds: 'toolchains' };
  return asRoot ? makeAndGive(path, recipient) : makeOwnFolder(path, 0o755);
}

/** As in the XDG Base Directory Specification. */
function cacheFolder(): string {
  return process.env.XDG_CACHE_HOME || `${homedir()}/.cache`;
}

/** @throws Error when root is asked to give somebody else's folder to the platform. */
function makeDataFolder(path: string): string {
  const recipient = { variable: 'DATA_DIR', uid: PLATFORM_UID, mode: 0o700, holds: 'data', mark: 'store' };
  return asRoot ? makeAndGive(path, recipient) : makeOwnFolder(path, 0o700);
}

function makeOwnFolder(path: string, mode: number): string {
  const folder = resolve(path);
  mkdirSync(folder, { recursive: true, mode });
  return folder;
}

/** Whole folders: in the place of a file comes another, and what watches the file must see that one. */
function tlsFolders(config: Partial<Record<(typeof TLS_VARIABLES)[number], string | undefined>>): string[] {
  const folders = TLS_VARIABLES.flatMap((name) => (config[name] ? [dirname(resolve(config[name]))] : []));
  return [...new Set(folders)].filter(existsSync);
}

/** The words that start a Node program of ours as a child that ends with us, and as root as another user. */
function childWords(
  { uid, groups = [] }: { readonly uid: number; readonly groups?: readonly number[] },
  see: readonly string[],
  lock: string | undefined,
  script: string,
): string[] {
  const more = groups.flatMap((gid) => ['--group', `${gid}`]);
  const user = asRoot ? ['--uid', `${uid}`, '--gid', `${SHARED_GID}`, ...more] : [];
  const seen = asRoot ? [root, dirname(dirname(process.execPath)), ...see].flatMap((path) => ['--see', path]) : [];
  const locked = lock ? ['--lock', lock] : [];
  const starter = fileURLToPath(new URL('../start-child.py', import.meta.url));
  return ['-I', starter, ...user, ...seen, ...locked, '--', process.execPath, `${root}/${script}`];
}

function sayWhy(error: unknown): void {
  process.stderr.write(`Runlane did not start: ${(error as Error).message}\n`);
}

async function main(): Promise<void> {
  // Those that only what is started here reads, too: one start names every bad one.
  const config = readConfig(process.env, variablesOf('start'));
  // A stricter one of root's would close the folders that the services share; what is to be private is made so by name.
  if (asRoot) process.umask(0o022);
  const runFolder = makeRunFolder();
  const children: Child[] = [];
  let stopped: Promise<void> | undefined;
  const env = { ...process.env, LOG_LEVEL: process.env.LOG_LEVEL || 'warn', NODE_ENV: 'production' };
  let isReady = false;
  // Until all serve, what ends is not started again: it ends all.
  const onRestart = (name: string, how: string) => void (isReady && say(`${name} ${how}; starting it again`));
  const start = (name: string, args: readonly string[], announces: boolean, more: NodeJS.ProcessEnv): Child => {
    if (stopped) throw new Error('told to stop');
    const child = keepRunning({ name, program: python, args, env: more, announces, onRestart });
    children.push(child);
    return child;
  };

  /** What the runner, which is no root, is given: the socket of a jail that root started, or the group that may use Docker. */
  async function sandboxOfRoot(
    toolchainsDir: string,
  ): Promise<{ JAIL_SOCKET?: string; SANDBOX?: string; groups?: number[] }> {
    if (config.SANDBOX !== 'docker') {
      try {
        return { JAIL_SOCKET: await startJail(start, runFolder, toolchainsDir, config) };
      } catch (error) {
        if (config.SANDBOX === 'jail' || stopped || isMisconfigured(error)) throw error;
        children.length = 0;
        process.stderr.write(`${(error as Error).message}; trying containers instead\n`);
      }
    }
    const socket = statSync(config.DOCKER_SOCKET, { throwIfNoEntry: false });
    return { SANDBOX: 'docker', ...(socket && { groups: [socket.gid] }) };
  }

  const stopAll = () => {
    stopped ??= (async () => {
      for (const child of children.toReversed()) await child.stop(config.SHUTDOWN_SECONDS + 2_000);
      rmSync(runFolder, { recursive: true, force: true });
    })();
    return stopped;
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (stopped) return;
      say('Stopping …');
      void stopAll().then(() => process.exit(0));
    });
  }

  try {
    const dataFolder = makeDataFolder(config.DATA_DIR);
    const toolchainsDir = makeToolchainsDir(config.TOOLCHAINS_DIR);
    const ownRunner = process.env.RUNNERS ? undefined : `unix:${runFolder}/runner/runner.sock`;
    if (ownRunner) {
      const { groups, ...sandbox } = asRoot ? await sandboxOfRoot(toolchainsDir) : {};
      const user = { uid: RUNNER_UID, ...(groups && { groups }) };
      const seen = [runFolder, ...(config.LANGUAGES_DIR ? [resolve(config.LANGUAGES_DIR)] : [])];
      start('runner', childWords(user, seen, undefined, 'services/runners/host/dist/main.js'), false, {
        ...environmentFor('runner', env),
        RUNNER_ADDRESS: ownRunner,
        RUN_DIR: runFolder,
        TOOLCHAINS_DIR: toolchainsDir,
        ...sandbox,
      });
    }
    const lock = `${dataFolder}/lock`;
    const words = childWords(
      { uid: PLATFORM_UID },
      [runFolder, dataFolder, ...tlsFolders(config)],
      lock,
      'services/standalone/dist/platform.js',
    );
    const platform = start('platform', words, true, {
      ...env,
      DATA_DIR: dataFolder,
      ...(ownRunner && { RUNNERS: ownRunner }),
    });
    const failed = Promise.race(children.map((child) => child.failed));
    const ports = await Promise.race([platform.ready, failed]);
    isReady = true;
    const facts = {
      ...ports,
      host: config.HOST,
      tls: config.TLS_CERT !== undefined,
      needsKey: config.AUTH === 'keys',
      startupMs: Math.round(performance.now() - startedAtMs),
      jobs: config.MONGO_URL ? 'MongoDB' : dataFolder,
      queues: config.REDIS_URL ? 'Redis' : 'memory',
    };
    process.stdout.write(asJson ? `${JSON.stringify(facts)}\n` : banner(facts));
  } catch (error) {
    // Told to stop while it started: what then ends has not failed.
    if (stopped) return;
    sayWhy(error);
    await stopAll();
    process.exit(1);
  }
}

/** The jail has said what it cannot use. Containers would only hide it. */
function isMisconfigured(error: unknown): boolean {
  return error instanceof EndedError && error.exitCode === JAIL_MISCONFIGURED;
}

/** The jail's launcher, as root; resolves with its socket when it serves. */
async function startJail(
  start: (name: string, args: readonly string[], announces: boolean, env: NodeJS.ProcessEnv) => Child,
  runFolder: string,
  toolchainsDir: string,
  config: {
    readonly RUNNER_SLOTS: number | undefined;
    readonly RUNNER_PRELUDES: number;
    readonly ALLOW_WEAK_ISOLATION: boolean;
    readonly LANGUAGES_DIR: string | undefined;
    readonly PYTHON_VENV: string | undefined;
    readonly PYTHON_PRELOAD: readonly string[] | undefined;
  },
): Promise<string> {
  const folder = `${runFolder}/jail`;
  mkdirSync(folder, { mode: 0o750 });
  chownSync(folder, 0, SHARED_GID);
  const words = [
    '-I',
    `${root}/services/runners/host/jail/launcher.py`,
    '--socket',
    `${folder}/jail.sock`,
    '--peer-uid',
    `${RUNNER_UID}`,
    '--toolchains',
    toolchainsDir,
    '--preludes',
    `${config.RUNNER_PRELUDES}`,
  ];
  if (config.RUNNER_SLOTS) words.push('--slots', `${config.RUNNER_SLOTS}`);
  if (config.LANGUAGES_DIR) words.push('--runners', resolve(config.LANGUAGES_DIR));
  if (config.ALLOW_WEAK_ISOLATION) words.push('--allow-weak');
  if (config.PYTHON_VENV) words.push('--tool', `python=${config.PYTHON_VENV}/bin/python3`);
  if (config.PYTHON_PRELOAD) words.push('--preload', config.PYTHON_PRELOAD.join(','));
  await start('jail', words, true, { PATH: process.env.PATH }).ready;
  return `${folder}/jail.sock`;
}

try {
  await main();
} catch (error) {
  sayWhy(error);
  process.exit(1);
}
