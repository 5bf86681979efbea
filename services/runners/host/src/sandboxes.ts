/** Opens the sandbox that the configuration names, or the strongest that works here, and gives up root's rights after. */
import { constants } from 'node:fs';
import { access, chown, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Closer, Log } from '@runlane/core';
import type { Config } from './config.js';
import { type Manifest, needsSetup } from './manifest.js';
import { createDocker } from './sandbox/docker/driver.js';
import type { DockerLanguage } from './sandbox/docker/fleet.js';
import { createJail } from './sandbox/jail/driver.js';
import { launchJail } from './sandbox/jail/launch.js';
import { MisconfiguredError, type Sandbox, SandboxError } from './sandbox/sandbox.js';

interface Surroundings {
  readonly config: Config;
  readonly manifests: readonly Manifest[];
  readonly closer: Closer;
  readonly log: Log;
}

/** As root, this process is an unprivileged one from here on. @throws SandboxError saying why there is none. */
export async function openSandbox(given: Surroundings): Promise<Sandbox> {
  const { config } = given;
  if (config.sandbox === 'docker') return openDocker(given);
  // Whoever started a jail service for us has chosen.
  if (config.sandbox === 'jail' || config.jailSocket) return openJail(given);
  const strict = { ...given, config: { ...config, allowWeak: false } };
  return firstThatWorks(given.log, {
    jail: () => openJail(strict),
    docker: () => openDocker(strict),
    // Weak only where nothing better is to be had.
    ...(config.allowWeak && { 'weak jail': () => openJail(given) }),
  });
}

/** @throws SandboxError with every reason, when none works; MisconfiguredError as soon as one says so. */
export async function firstThatWorks(
  log: Log,
  ways: Readonly<Record<string, () => Promise<Sandbox>>>,
): Promise<Sandbox> {
  const reasons: string[] = [];
  for (const [name, open] of Object.entries(ways)) {
    try {
      return await open();
    } catch (err) {
      if (err instanceof MisconfiguredError) throw err;
      log.warn({ err, sandbox: name }, 'this sandbox does not work here');
      reasons.push(`${name}: ${(err as Error).message}`);
    }
  }
  throw new SandboxError(`no sandbox works here. ${reasons.join('. ')}`);
}

async function openJail({ config, closer }: Surroundings): Promise<Sandbox> {
  if (config.jailSocket) {
    dropPrivileges((await stat(config.jailSocket)).uid || config.uid);
    return createJail({ socketPath: config.jailSocket });
  }
  const uid = process.getuid?.() || config.uid;
  await mkdir(config.runDir, { recursive: true });
  const folder = await mkdtemp(join(config.runDir, 'runlane-runner-'));
  closer.add({ name: 'run folder', close: () => rm(folder, { recursive: true, force: true }) });
  if (process.getuid?.() === 0) await chown(folder, uid, -1);
  const socketPath = join(folder, 'jail.sock');
  const { languagesDir, slots, preludes, allowWeak, python, jailCgroups, toolchainsDir } = config;
  const extraArguments = [
    '--preludes',
    String(preludes),
    ...(jailCgroups ? ['--cgroups', jailCgroups] : []),
    ...(toolchainsDir ? ['--toolchains', toolchainsDir] : []),
  ];
  const options = { slots, languagesDir, allowWeak, python, extraArguments };
  const launched = await launchJail({ socketPath, peerUid: uid, ...options });
  closer.add({ name: 'jail', close: () => launched.stop() });
  dropPrivileges(uid);
  return createJail({ socketPath, lost: launched.lost, stop: launched.stop });
}

async function openDocker({ config, manifests, closer, log }: Surroundings): Promise<Sandbox> {
  const { socketPath, runtime, poolSize, images } = config.docker;
  const languages = manifests.flatMap((manifest): DockerLanguage[] => {
    const { name, tools } = manifest;
    const image = images.get(name) ?? images.get('*') ?? manifest.image;
    return image ? [{ name, image, tools, needsSetup: needsSetup(manifest) }] : [];
  });
  const withoutImage = manifests
    .map(({ name }) => name)
    .filter((name) => !languages.some((each) => each.name === name));
  const { allowWeak, toolchainsDir } = config;
  const settings = { socketPath, runtime, poolSize, allowWeak, toolchainsDir, log };
  const sandbox = await createDocker({ ...settings, languages, withoutImage });
  closer.add({ name: 'containers', close: () => sandbox.close() });
  const { gid, mode } = await stat(socketPath);
  // The group of the socket is all that is needed of root's rights, where the group may use it.
  if ((mode & 0o060) === 0o060) {
    dropPrivileges(config.uid, gid);
    await access(socketPath, constants.R_OK | constants.W_OK).catch((cause: unknown) => {
      const message = `${socketPath} cannot be reached without root's rights: open its folder to the socket's group`;
      throw new SandboxError(message, { cause });
    });
  } else if (process.getuid?.() === 0)
    log.warn({ socketPath }, 'still root: the socket of the engine is for root alone');
  return sandbox;
}

/** The launcher keeps what the jail needs; this process, which speaks with the network, needs none of it. */
function dropPrivileges(uid: number, gid = uid): void {
  if (process.getuid?.() !== 0) return;
  process.setgroups?.([]);
  process.setgid?.(gid);
  process.setuid?.(uid);
}
