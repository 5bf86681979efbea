/**
 * The jail as compose starts it: in a container of a real engine that has no privilege and no capability, under the filter of
 * `deploy/docker/seccomp-runner.json`. For tests: what a container gets here is what docker-compose.yml gives the runner.
 */
import { once } from 'node:events';
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
const PROJECT = fileURLToPath(new URL('../../../../../../', import.meta.url));
/** Where folders of control groups are in the container. */
const CGROUPS = '/run/cgroups';
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
  const launcher = ['/usr/bin/python3', '-I', '/app/services/runners/host/jail/launcher.py', '--leash'];
  launcher.push(
    '--socket',
    '/run/runlane/jail.sock',
    '--slots',
    String(options.slots),
    '--runners',
    '/app/services/runners',
  );
  if (options.cgroups) launcher.push('--cgroups', CGROUPS);
  const { docker, container, folder, stop, lost } = await start(options, { Cmd: launcher }, /"ready": true/);
  try {
    const socketPath = join(folder, 'jail.sock');
    const sandbox = await createJail({ socketPath, lost, stop });
    const { State } = await container.inspect();
    return { sandbox, pid: State.Pid, socketPath, command: (words) => outputOf(docker, container, words) };
  } catch (reason) {
    await stop();
    throw reason;
  }
}

/** Start the whole runner host there, with this machine's Node and the files of this project, and end it: what it logged. */
export async function serveInContainer(options: ContainerJailOptions): Promise<string> {
  const settings = {
    Cmd: ['/usr/local/bin/node', '/app/services/runners/host/dist/main.js'],
    Env: [
      'RUNNER_ADDRESS=unix:/run/runlane/grpc.sock',
      'RUN_DIR=/run/runlane',
      `RUNNER_SLOTS=${options.slots}`,
      `JAIL_CGROUPS=${options.cgroups ? CGROUPS : ''}`,
    ],
  };
  const { said, stop } = await start(options, settings, /runner serves.*\n/);
  await stop();
  return said();
}

/** Start a command as compose starts the runner, and wait until it says that it is ready. */
async function start(options: ContainerJailOptions, settings: Docker.ContainerCreateOptions, ready: RegExp) {
  const docker = new Docker({ socketPath: options.engineSocket });
  // Not below /tmp, which every run covers with its own.
  const folder = await mkdtemp('/var/tmp/runlane-container-');
  await chmod(folder, 0o777);
  const container = await docker.createContainer({ ...(await settingsOf(options, folder)), ...settings });
  const stop = async () => {
    // Orderly first, for it takes away the groups that it made.
    await container.stop({ t: 5 }).catch(() => {});
    await container.remove({ force: true });
    await rm(folder, { recursive: true, force: true });
  };
  try {
    // Its standard input ends with this process, and it with that.
    const stream = await container.attach({ stream: true, hijack: true, stdin: true, stdout: true, stderr: true });
    const output = new PassThrough();
    docker.modem.demuxStream(stream, output, output);
    stream.once('end', () => output.end());
    let said = '';
    const isReady = new Promise<void>((resolve) => {
      output.on('data', (data) => {
        said += data;
        if (ready.test(said)) resolve();
      });
    });
    const lost = once(output, 'end').then(() => new SandboxError(said.trim()));
    await container.start();
    const late = sleep(START_MS, new SandboxError(`it did not start in time: ${said}`), { ref: false });
    const reason = await Promise.race([isReady, lost, late]);
    if (reason) throw reason;
    return { docker, container, folder, stop, lost, said: () => said };
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
  { image, cgroups = {}, without }: ContainerJailOptions,
  folder: string,
): Promise<Docker.ContainerCreateOptions> {
  const security = ['no-new-privileges:true', 'apparmor=unconfined'];
  if (without !== 'seccomp profile') security.push(`seccomp=${await readFile(SECCOMP_PROFILE, 'utf8')}`);
  const binds = [`${process.execPath}:/usr/local/bin/node:ro`, `${folder}:/run/runlane`];
  // As they lie in the image, which the engine of the tests cannot build.
  for (const path of ['node_modules', 'packages', 'services/runners']) binds.push(`${PROJECT}${path}:/app/${path}:ro`);
  for (const [name, path] of Object.entries(cgroups)) binds.push(`${path}:${CGROUPS}/${name}`);
  return {
    Image: image,
    User: `${CONTAINER_UID}:${CONTAINER_UID}`,
    OpenStdin: true,
    StdinOnce: true,
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
