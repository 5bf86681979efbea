/** The processes of a platform, as the kernel knows them: to find one, and to kill it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
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
export const commandLineOf = (pid: number) => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
};

/** Whether SIGSTOP has reached every thread: on a busy machine, some go on for a moment. */
export function threadsStopped(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).every((thread) =>
      fieldOf(`${pid}/task/${thread}`, 'State').startsWith('T'),
    );
  } catch {
    return false;
  }
}

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

/** The kernel gives ports from 32,768 on to whoever connects or asks for any: one of them may be gone when it is wanted again. */
const PORTS = { first: 20_000, count: 12_000 } as const;

/** A port of the loopback address that is nobody's, nor is the next, and that is there again after whoever has it was killed. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = PORTS.first + 2 * Math.floor((Math.random() * PORTS.count) / 2);
    if ((await isFree(port)) && (await isFree(port + 1))) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
