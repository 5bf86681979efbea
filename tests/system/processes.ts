/** The processes of a platform, as the kernel knows them: to find one, and to kill it. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Platform, Started } from './platforms.js';

/** Pids of all processes below one, itself included. */
export function family(pid: number): number[] {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), parent: parentOf(name) }));
  const below = (of: number): number[] =>
    parents.filter(({ parent }) => parent === of).flatMap((each) => [each.pid, ...below(each.pid)]);
  return [pid, ...below(pid)];
}

function statusOf(pid: number | string): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return '';
  }
}

export const fieldOf = (pid: number | string, field: string) =>
  new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(statusOf(pid))?.[1] ?? '';
const parentOf = (pid: string) => Number(fieldOf(pid, 'PPid'));
export const isAlive = (pid: number) => !['', 'Z'].includes(fieldOf(pid, 'State').slice(0, 1));
const commandLineOf = (pid: number) => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
};

/** Of a family, some die with their parent before it is their turn. */
export function killIfAlive(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

export const pidOf = ({ process: child }: Started) => {
  assert.ok(child.pid);
  return child.pid;
};

/** The process of a standalone platform whose command line holds these words. */
export function memberOf(platform: Platform, words: string): number {
  const found = family(pidOf(standaloneOf(platform))).find((pid) => commandLineOf(pid).includes(words));
  assert.ok(found, `no process with ${words}`);
  return found;
}

export function standaloneOf({ processes }: Platform): Started {
  assert.ok(processes.standalone);
  return processes.standalone;
}

/** Of the loopback address, and nobody's at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
