/** The engine: how it is reached, and what its refusals mean to whoever runs a runner. */
import { userInfo } from 'node:os';
import Docker from 'dockerode';
import { SandboxError } from '../sandbox.js';

export type Engine = Docker;

export interface EngineOptions {
  readonly socketPath: string;
  /** A runtime that the engine knows by this name, such as runsc; the engine's default when unset. */
  readonly runtime: string | undefined;
}

/** @throws SandboxError when no engine answers, or it lacks the runtime. */
export async function connectEngine({ socketPath, runtime }: EngineOptions): Promise<Engine> {
  const engine = new Docker({ socketPath });
  const info: { DefaultRuntime: string; Runtimes: Record<string, unknown> } = await engine
    .info()
    .catch((reason: unknown) => Promise.reject(unreachable(reason, socketPath)));
  if (runtime !== undefined && !(runtime in info.Runtimes))
    throw new SandboxError(
      `the Docker engine has no runtime "${runtime}", only ${Object.keys(info.Runtimes).sort().join(', ')}: ` +
        'register it under "runtimes" in /etc/docker/daemon.json and restart the engine, or unset DOCKER_RUNTIME',
    );
  return engine;
}

function unreachable(reason: unknown, socketPath: string): SandboxError {
  const options = { cause: reason };
  if (codeOf(reason) === 'EACCES')
    return new SandboxError(
      `the user ${nameOfUser()} may not use the Docker socket ${socketPath}: add it to the group that the socket belongs to ` +
        '(usermod -aG docker USER), knowing that this makes it as mighty as root',
      options,
    );
  return new SandboxError(
    `no Docker engine answers at ${socketPath}: start it (systemctl start docker), or name its socket in DOCKER_SOCKET`,
    options,
  );
}

/** What failed while a container was made or used. */
export function explain(reason: unknown, image: string): SandboxError {
  if (reason instanceof SandboxError) return reason;
  const { syscall, address } = (reason ?? {}) as { syscall?: string; address?: string };
  if (syscall === 'connect') return unreachable(reason, address ?? 'its socket');
  const options = { cause: reason };
  if (statusOf(reason) === 404 && /no such image/i.test(textOf(reason)))
    return new SandboxError(`the image ${image} is not on this machine: docker pull ${image}`, options);
  if (/bind source path does not exist/i.test(textOf(reason)))
    return new SandboxError(
      `the Docker engine does not see a folder that containers are to show: ${textOf(reason)}`,
      options,
    );
  if (/executable file not found|no such file or directory/i.test(textOf(reason)))
    return new SandboxError(
      `the image ${image} has no python3 on its PATH, which every image needs here: add Python 3.9 or later to it`,
      options,
    );
  return new SandboxError(`the Docker engine could not make a container from ${image}: ${textOf(reason)}`, options);
}

/** A folder of ours that is none on the engine's machine: another one, or a container's. */
export function isUnseenFolder(reason: unknown): boolean {
  return reason instanceof SandboxError && /bind source path does not exist/i.test(textOf(reason.cause));
}

export function statusOf(reason: unknown): number | undefined {
  return (reason as { statusCode?: number } | undefined)?.statusCode;
}

function codeOf(reason: unknown): string | undefined {
  return (reason as { code?: string } | undefined)?.code;
}

function textOf(reason: unknown): string {
  const { json, message } = (reason ?? {}) as { json?: { message?: string }; message?: string };
  return json?.message ?? message ?? String(reason);
}

function nameOfUser(): string {
  try {
    return userInfo().username;
  } catch {
    return `with id ${process.getuid?.()}`;
  }
}
