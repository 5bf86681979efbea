/** A process of the platform under a supervisor, as a service manager would have it: whenever it ends, it is started again. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '@runlane/core/testing';
import { type Started, stopProcess } from '../system/platforms.js';
import { family, isAlive, pidOf, threadsStopped } from '../system/processes.js';

export type MemberKind = 'command' | 'worker' | 'runner';

export interface Member {
  readonly name: string;
  readonly kind: MemberKind;
  /** Of the process that runs now. */
  readonly pid: number;
  /** Pids of every process that it started, without its own. */
  below(): number[];
  /** Expect it to end, by whatever the caller does; resolves when another has taken its place. */
  replaced(): Promise<void>;
  /** The ends that nobody had announced, with the last that was logged before. */
  readonly crashes: readonly string[];
  /** All of its processes so far, the first first. */
  readonly processes: readonly Started[];
  stop(): Promise<void>;
}

const RESTART_AFTER_MS = 300;
const REPLACED_WITHIN_MS = 120_000;

export async function superviseMember(name: string, kind: MemberKind, start: () => Promise<Started>): Promise<Member> {
  let started: Started = await start();
  let stopping = false;
  let expected = false;
  let generation = 0;
  const crashes: string[] = [];
  const processes = [started];

  async function watch(): Promise<void> {
    while (!stopping) {
      const { process: child, log } = started;
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      if (stopping) return;
      if (!expected) crashes.push(`${name} ended by itself (${child.signalCode ?? child.exitCode}): ${log.at(-1)}`);
      await restart();
    }
  }

  /** Again and again: what it needs may be away just now. */
  async function restart(): Promise<void> {
    while (!stopping) {
      await sleep(RESTART_AFTER_MS);
      try {
        started = await start();
        processes.push(started);
        if (stopping) await stopProcess(started);
        expected = false;
        generation += 1;
        return;
      } catch {}
    }
  }

  const watched = watch();
  return {
    name,
    kind,
    get pid() {
      return pidOf(started);
    },
    below: () => family(pidOf(started)).slice(1),
    async replaced() {
      const before = generation;
      expected = true;
      await until(`${name} was replaced`, () => generation > before, REPLACED_WITHIN_MS);
    },
    crashes,
    processes,
    async stop() {
      stopping = true;
      await stopProcess(started);
      await watched;
    },
  };
}

/** kill -9, and wait until the kernel has buried it. */
export async function killForGood(pid: number): Promise<void> {
  process.kill(pid, 'SIGKILL');
  await until(`${pid} is dead`, () => !isAlive(pid), 10_000);
}

/** Stop these processes, all of their threads, for so long. @throws Error when one was not stopped until the end. */
export async function freeze(pids: readonly number[], holdMs: number): Promise<void> {
  const signal = (name: 'SIGSTOP' | 'SIGCONT') => {
    for (const pid of pids) if (isAlive(pid)) process.kill(pid, name);
  };
  try {
    signal('SIGSTOP');
    await until('all are stopped', () => pids.every((pid) => !isAlive(pid) || threadsStopped(pid)), 10_000);
    await sleep(holdMs);
    if (!pids.some((pid) => isAlive(pid) && threadsStopped(pid))) throw new Error('nobody was stopped until the end');
  } finally {
    signal('SIGCONT');
  }
}
