/**
 * The jail as compose starts it: in a container of a real engine that has no privilege and no capability, under the filter of
 * `deploy/docker/seccomp-runner.json`. For tests: what a container gets here is what docker-compose.yml gives the runner.
 */
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import Docker from 'dockerode';
import { type Sandbox, SandboxError } from '../sandbox.js';
import { createJail } from './driver.js';

/** The runner's user in its image: nobody on the host. */
export const CONTAINER_UID = 10_002;
export const SECCOMP_PROFILE = fileURLToPath(
  new URL('../../../../../../deploy/docker/seccomp-runner.json', import.meta.url),
);
const RUNNERS = fileURLToPath(new URL('../../../../', import.meta.url));
const START_MS = 30_000;
const MIB = 1024 * 1024;

export interface ContainerJailOptions {
  readonly engineSocket: string;
  readonly image: string;
  readonly slots: number;
  /** Folders of the host, delegated to `CONTAINER_UID`, for the groups of its runs: controller → folder. */
  readonly cgroups?: Readonly<Record<string, string>>;
  /** Leave one of the settings out that the jail needs. */
  readonly without?: 'seccomp profile' | 'uncovered /proc';
}

export interface ContainerJail {
  readonly sandbox: Sandbox;
  /** Of the launcher, on the host. */
  readonly pid: number;
  /** What it listens on, on the host. */
  readonly socketPath: string;
  /** What a command says that is run in the container beside the jail. */
  command(words: readonly string[]): Promise<string>;
}

/** @throws SandboxError with what the launcher said, when it refuses to start. */
export async function openContainerJail(options: ContainerJailOptions): Promise<ContainerJail> {
  const docker = new Docker({ socketPath: options.engineSocket });
  // Not below /tmp, which every run covers with its own.
  const folder = await mkdtemp('/var/tmp/runlane-container-');
  await chmod(folder, 0o777);
  const container = await docker.createContainer(await settingsOf(options, folder));
  const stop = async () => {
    // Orderly first, for it takes away the groups that it made.
    await container.stop({ t: 5 }).catch(() => {});
    await container.remove({ force: true });
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const output = await container.attach({ stream: true, stdout: true, stderr: true });
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    docker.modem.demuxStream(output, stdout, stderr);
    output.once('end', () => [stdout, stderr].map((stream) => stream.end()));
    const said = text(stderr);
    await container.start();
    const ready = new Promise((resolve) => stdout.once('data', resolve));
    const ended = said.then((words) => Promise.reject(new SandboxError(words.trim())));
    const late = sleep(START_MS, undefined, { ref: false }).then(() =>
      Promise.reject(new SandboxError('the jail did not start in its container')),
    );
    await Promise.race([ready, ended, late]);
    const lost = ended.catch((reason: Error) => reason);
    const socketPath = join(folder, 'jail.sock');
    const sandbox = await createJail({ socketPath, lost, stop });
    const { State } = await container.inspect();
    return { sandbox, pid: State.Pid, socketPath, command: (words) => outputOf(docker, container, words) };
  } catch (reason) {
    await stop();
    throw reason;
  }
}

async function outputOf(docker: Docker, container: Docker.Container, words: readonly string[]): Promise<string> {
  const exec = await container.exec({ Cmd: [...words], AttachStdout: true, AttachStderr: true });
  const [stream, output] = [await exec.start({}), new PassThrough()];
  docker.modem.demuxStream(stream, output, output);
  stream.once('end', () => output.end());
  return text(output);
}

async function settingsOf(
  { image, slots, cgroups, without }: ContainerJailOptions,
  folder: string,
): Promise<Docker.ContainerCreateOptions> {
  const words = ['--socket', '/run/runlane/jail.sock', '--slots', String(slots), '--runners', '/app/services/runners'];
  const security = ['no-new-privileges:true', 'apparmor=unconfined'];
  if (without !== 'seccomp profile') security.push(`seccomp=${await readFile(SECCOMP_PROFILE, 'utf8')}`);
  const binds = [`${RUNNERS}:/app/services/runners:ro`, `${folder}:/run/runlane`];
  if (cgroups) {
    words.push('--cgroups', '/run/cgroups');
    for (const [name, path] of Object.entries(cgroups)) binds.push(`${path}:/run/cgroups/${name}`);
  }
  return {
    Image: image,
    Cmd: ['/usr/bin/python3', '-I', '/app/services/runners/host/jail/launcher.py', ...words],
    User: `${CONTAINER_UID}:${CONTAINER_UID}`,
    HostConfig: {
      Binds: binds,
      ReadonlyRootfs: true,
      Tmpfs: { '/tmp': 'size=64m,mode=1777' },
      CapDrop: ['ALL'],
      SecurityOpt: security,
      // What "systempaths=unconfined" means to the engine.
      ...(without !== 'uncovered /proc' && { MaskedPaths: [], ReadonlyPaths: [] }),
      NetworkMode: 'none',
      Memory: 4096 * MIB,
      MemorySwap: 4096 * MIB,
      PidsLimit: 4096,
    },
  };
}
