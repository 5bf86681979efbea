/** The platform on this machine as a benchmark starts it, and what its processes take. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { root } from '../scripts/setup.mjs';

const started = new Set();

/** What is measured must not outlive who measures, however that is told to end. */
export function endWithThisProcess(child) {
  if (started.size === 0) {
    process.once('exit', () => started.forEach((each) => void each.kill('SIGTERM')));
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));
  }
  started.add(child);
}

export async function startPlatform(dataFolder, more = {}) {
  const env = { ...process.env, HTTP_PORT: '0', GRPC_PORT: '0', DATA_DIR: dataFolder, ...more };
  const args = [`${root}/services/standalone/dist/main.js`, '--json'];
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  endWithThisProcess(child);
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the platform ended with exit code ${code}`);
  });
  ended.catch(() => undefined);
  const said = new Promise((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('{')) resolve(JSON.parse(line));
    });
  });
  const { httpPort, grpcPort } = await Promise.race([said, ended]);
  return {
    pid: child.pid,
    httpPort,
    grpcPort,
    async stop() {
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
    },
  };
}

/**
 * Memory of its own that each process below one holds, in bytes; those of the jail together. Pages of files are left out: those
 * of the store grow with its jobs, and the system takes them back when it needs them.
 */
export function residentBytes(pid) {
  const bytes = {};
  for (const each of family(pid)) {
    const name = nameOf(commandOf(each));
    if (name) bytes[name] = (bytes[name] ?? 0) + ownBytes(each);
  }
  return bytes;
}

/** What several processes share is counted once, in parts: forks of one interpreter share most of theirs. */
export function ownBytes(pid) {
  return Number(/^Pss_Anon:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0) * 1024;
}

export const commandOf = (pid) => read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');

/** Linux counts processor time in these, on every machine that Node runs on. */
const CLOCK_TICK_MS = 10;

/** Processor time of these processes, and of those below them that have ended, in milliseconds. */
export function cpuOf(pids) {
  const ticks = pids.flatMap((pid) => read(`/proc/${pid}/stat`).split(') ').at(-1).split(' ').slice(11, 15));
  return ticks.reduce((sum, each) => sum + Number(each), 0) * CLOCK_TICK_MS;
}

function nameOf(command) {
  if (command.includes('platform.js')) return 'command + worker';
  if (command.includes('runners/host/dist')) return 'runner';
  if (command.includes('launcher.py')) return 'jail';
  return command.includes('standalone/dist/main.js') ? 'supervisor' : undefined;
}

/** A process and all below it. */
export function family(pid) {
  const below = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), parent: Number(/^PPid:\s+(\d+)/m.exec(read(`/proc/${name}/status`))?.[1]) }));
  const children = (of) =>
    below.filter(({ parent }) => parent === of).flatMap((each) => [each.pid, ...children(each.pid)]);
  return [pid, ...children(pid)];
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
