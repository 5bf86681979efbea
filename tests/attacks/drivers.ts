/**
 * The sandboxes that the attacks are run on: each by its name, and how to open it, or why it cannot be had here.
 * A driver is added by one more row in `DRIVERS`; what it does not hold goes into `exceptions.ts`.
 */
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { silentLog, skipWithout, startDocker, TEST_IMAGE } from '@runlane/core/testing';
import { createDocker, createJail, launchJail, openContainerJail, type Sandbox } from '@runlane/runner-host/testing';

export interface Opened {
  readonly sandbox: Sandbox;
  /** The path that the service listens on, for programs to try. */
  readonly serviceSocket: string;
  /** The service's processes, by id and time of start: the same for as long as none of them was replaced. */
  identity(): Promise<string>;
  close(): Promise<void>;
}

export interface Driver {
  readonly name: string;
  /** Why it cannot be had here. */
  readonly missing?: string | undefined;
  open(): Promise<Opened>;
}

const LANGUAGES = fileURLToPath(new URL('../../../services/runners/', import.meta.url));
const SLOTS = 12;
/** Each is used once, so that more of them would only be made sooner. */
const CONTAINERS = 4;
/** An ordinary user: any id without rights will do. */
export const NOBODY = { uid: 54_321, gid: 54_321 };
export const isRoot = process.getuid?.() === 0;
const needsEngine = skipWithout('docker') || undefined;
const needsRoot = isRoot ? undefined : 'needs root: sudo npm test';

export const DRIVERS: readonly Driver[] = [
  { name: 'jail, by root', missing: needsRoot, open: () => openJail({}) },
  {
    name: "jail, by root, programs exec'ed",
    missing: needsRoot,
    open: async () => {
      const opened = await openJail({});
      return { ...opened, sandbox: startingAfresh(opened.sandbox) };
    },
  },
  { name: 'jail, by root, no cgroups', missing: needsRoot, open: () => openJail({ extra: ['--no-cgroups'] }) },
  {
    name: 'jail, by root, no user namespaces',
    missing: needsRoot,
    open: () => openJail({ extra: ['--no-user-namespaces'] }),
  },
  { name: 'jail, by an ordinary user', open: () => openJail(isRoot ? { user: NOBODY } : {}) },
  { name: 'jail, in an unprivileged container', missing: needsEngine, open: openJailInContainer },
  { name: 'docker', missing: needsEngine, open: openContainers },
];

/** Jails in which every program has the place of the one before. */
export const ONE_SLOT: readonly Driver[] = [
  { name: 'jail, by root', missing: needsRoot, open: () => openJail({ slots: 1, extra: ['--warm', '0'] }) },
  {
    name: 'jail, by an ordinary user',
    open: () => openJail({ slots: 1, extra: ['--warm', '0'], ...(isRoot && { user: NOBODY }) }),
  },
];

interface JailOptions {
  readonly user?: typeof NOBODY;
  readonly slots?: number;
  readonly extra?: readonly string[];
}

async function openJail({ user, slots = SLOTS, extra = [] }: JailOptions): Promise<Opened> {
  const folder = await socketFolder();
  const socketPath = join(folder, 'jail.sock');
  const launched = await launchJail({
    socketPath,
    slots,
    languagesDir: LANGUAGES,
    peerUid: user?.uid ?? process.getuid?.() ?? 0,
    allowWeak: false,
    extraArguments: extra,
    ...(user && { user }),
  });
  const stop = async () => {
    await launched.stop();
    await rm(folder, { recursive: true, force: true });
  };
  const sandbox = await createJail({ socketPath, lost: launched.lost, stop });
  return {
    sandbox,
    serviceSocket: socketPath,
    identity: () => identityOf(launched.pid),
    close: () => sandbox.close(),
  };
}

async function openJailInContainer(): Promise<Opened> {
  const engine = await startDocker();
  try {
    const given = { engineSocket: engine.socketPath, image: TEST_IMAGE, slots: SLOTS };
    const { sandbox, pid, socketPath } = await openContainerJail(given);
    return {
      sandbox,
      serviceSocket: socketPath,
      identity: () => identityOf(pid),
      close: () => sandbox.close().finally(() => engine.stop()),
    };
  } catch (reason) {
    await engine.stop();
    throw reason;
  }
}

async function openContainers(): Promise<Opened> {
  const engine = await startDocker();
  try {
    const sandbox = await createDocker({
      socketPath: engine.socketPath,
      runtime: undefined,
      languages: [{ name: 'python', image: TEST_IMAGE, tools: { python: ['/usr/bin/python3'] }, needsSetup: false }],
      poolSize: CONTAINERS,
      withoutImage: [],
      toolchainsDir: undefined,
      allowWeak: false,
      log: silentLog,
    });
    return {
      sandbox,
      serviceSocket: engine.socketPath,
      // Nothing of ours serves but this process; that the engine still does is seen when the next container is made.
      identity: async () => `${process.pid}`,
      close: () => sandbox.close().finally(() => engine.stop()),
    };
  } catch (reason) {
    await engine.stop();
    throw reason;
  }
}

/** A folder in which another user can make a socket, and where no run's own folder covers it. */
export async function socketFolder(): Promise<string> {
  const folder = await mkdtemp('/var/tmp/runlane-attacks-jail-');
  if (isRoot) await chmod(folder, 0o777);
  return folder;
}

/** The launcher, the anchor and the service, each the first child of the one before. */
export async function identityOf(launcher: number): Promise<string> {
  const words: string[] = [];
  for (let pid: number | undefined = launcher, depth = 0; depth < 3; depth += 1) {
    if (pid === undefined) return 'gone';
    const stat: string = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    words.push(`${pid}@${started}`);
    pid = await firstChildOf(pid);
  }
  return words.join(' ');
}

async function firstChildOf(pid: number): Promise<number | undefined> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const texts = await Promise.all(
    threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, 'utf8').catch(() => '')),
  );
  const pids = texts.join(' ').split(' ').filter(Boolean).map(Number);
  return pids.sort((a, b) => a - b)[0];
}

/** What an interpreter reads when it starts makes the jail start one, where else it forks its own. */
function startingAfresh(sandbox: Sandbox): Sandbox {
  const open: Sandbox['open'] = ({ env, ...rest }) =>
    sandbox.open({ ...rest, env: { ...env, PYTHONHASHSEED: 'random' } });
  return { ...sandbox, open };
}
