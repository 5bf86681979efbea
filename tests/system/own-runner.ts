/** What a runner of one's own must show, whatever it is written in: it conforms, and the platform needs nothing but its address. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Ended, type ProgramJson, restDoor } from './doors.js';
import { startEmbedded, temporaryFolder } from './platforms.js';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const RUNLANE = join(ROOT, 'packages/cli/bin/runlane.mjs');

export interface OwnRunner {
  /** Where it serves. */
  readonly target: string;
  stop(): Promise<void>;
}

/** Start it, and wait for the line that says where it serves. */
export async function startRunner(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<OwnRunner> {
  const runner = spawn(command, args, {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(runner, 'exit').then(([code]) => Promise.reject(new Error(`the runner ended with ${code}`)));
  const said = once(createInterface({ input: runner.stdout }), 'line');
  const [line] = await Promise.race([said, ended]);
  return {
    target: String(line).replace('serves at ', ''),
    async stop() {
      runner.kill('SIGTERM');
      await ended.catch(() => undefined);
    },
  };
}

/** All that the conformance kit says of it. */
export function conformance(target: string, programs: string, more: readonly string[] = []): Promise<string> {
  return new Promise((resolve) => {
    const args = ['conformance', '--target', target, '--programs', programs, ...more];
    execFile(RUNLANE, args, (_error, stdout, stderr) => resolve(stdout + stderr));
  });
}

/** Run a program on a platform that knows no other runner; with it, what that platform calls its languages. */
export async function runOnPlatform(
  target: string,
  program: ProgramJson,
): Promise<{ readonly languages: readonly string[]; readonly ended: Ended }> {
  const folder = await temporaryFolder();
  const platform = await startEmbedded(folder, { RUNNERS: target });
  try {
    const response = await fetch(`${platform.baseUrl}/v1/languages`);
    const { languages } = (await response.json()) as { languages: { name: string }[] };
    const door = restDoor(platform);
    const { ended } = await door.watch(await door.submit(program));
    return { languages: languages.map(({ name }) => name), ended };
  } finally {
    await platform.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
