/** The sandboxes without the platform around them: a program, from request to exit. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../scripts/setup.mjs';
import { GREETING, HELLO, inTurns, mib, percentiles } from './measure.mjs';

const run = promisify(execFile);
const languagesDir = `${root}/services/runners`;
const ENVIRONMENT = JSON.parse(await readFile(`${languagesDir}/python/runner.json`, 'utf8')).env;
const SLOTS = 4;

/** A run in the jail against bare Python, in turns; and what a sandbox that is ready takes of memory. */
export async function measureJail(count, bare) {
  const { jail, pid, close } = await openJail();
  try {
    const work = () => greet(jail);
    await inTurns(20, { bare, work });
    return { ...(await inTurns(count, { bare, work })), slotMiB: mib(await slotBytes(pid)) };
  } finally {
    await close();
  }
}

async function openJail(python) {
  const { createJail, launchJail } = await import('../services/runners/host/dist/testing.js');
  const folder = await mkdtemp(join(tmpdir(), 'runlane-bench-jail-'));
  const socketPath = join(folder, 'jail.sock');
  const peerUid = process.getuid();
  const launched = await launchJail({ socketPath, slots: SLOTS, languagesDir, peerUid, allowWeak: false, python });
  const jail = await createJail({ socketPath, lost: launched.lost, stop: launched.stop });
  const close = async () => {
    await jail.close();
    await rm(folder, { recursive: true, force: true });
  };
  return { jail, pid: launched.pid, close };
}

/** Which toolchains the jail finds on this machine, the usual one of each language first, and a run's environment. */
export async function describeJail() {
  const { jail, close } = await openJail();
  try {
    return jail.description;
  } finally {
    await close();
  }
}

/** How long `import numpy` takes in a run of the environment PYTHON_VENV that has it imported beforehand, and of one that has not. */
export async function measureImport(count, venv) {
  const median = async (preload) => {
    const { jail, close } = await openJail({ venv, preload });
    const code = 'import time; t = time.perf_counter(); import numpy; print(time.perf_counter() - t)';
    try {
      const times = [];
      for (let i = 0; i < count; i += 1) times.push(Number(await outputOf(jail, code)) * 1_000);
      return percentiles(times).p50Ms;
    } finally {
      await close();
    }
  };
  return { preloadedMs: await median(['numpy']), importedMs: await median(undefined) };
}

/** A run in a container that was waiting for it against `docker run --rm`; undefined where there is no engine. */
export async function measureDocker(count) {
  const { findDocker, startDocker, silentLog, TEST_IMAGE } = await import('../packages/core/dist/testing/index.js');
  if ('missing' in findDocker()) return undefined;
  const { createDocker } = await import('../services/runners/host/dist/testing.js');
  const engine = await startDocker();
  const docker = await createDocker({
    socketPath: engine.socketPath,
    runtime: undefined,
    languages: [
      { name: 'python', image: TEST_IMAGE, tools: { python: ['/usr/bin/python3', '/usr/local/bin/python3'] } },
    ],
    poolSize: 2,
    allowWeak: false,
    log: silentLog,
  });
  const words = ['-H', `unix://${engine.socketPath}`, 'run', '--rm', '--network', 'none', TEST_IMAGE];
  try {
    const bare = () => run('docker', [...words, '/usr/bin/python3', '-c', HELLO]);
    return await inTurns(count, { bare, work: () => greet(docker) });
  } finally {
    await docker.close();
    await engine.stop();
  }
}

async function greet(sandbox) {
  const text = await outputOf(sandbox, HELLO);
  if (text !== GREETING) throw new Error(`a run ended wrong: ${text}`);
}

async function outputOf(sandbox, code) {
  const { collect, DEFAULT_LIMITS, pythonOf } = await import('../services/runners/host/dist/testing.js');
  const opened = await sandbox.open({
    language: 'python',
    argv: [pythonOf(sandbox), 'main.py'],
    env: { ...sandbox.description.environment, ...ENVIRONMENT },
    files: [{ path: 'main.py', content: Buffer.from(code), executable: false }],
    collect: 'out',
    limits: DEFAULT_LIMITS,
  });
  opened.go();
  opened.closeStdin();
  const { stdout, stderr } = await collect(opened);
  if (stderr.length > 0) throw new Error(stderr.toString());
  return stdout.toString();
}

/** What the monitors and waiting processes below a launcher have to themselves, for each sandbox that is ready. */
async function slotBytes(launcher) {
  const [anchor] = await childrenOf(launcher);
  const [service] = await childrenOf(anchor);
  const monitors = await childrenOf(service);
  let bytes = 0;
  for (const monitor of monitors) {
    for (const pid of [monitor, ...(await childrenOf(monitor))]) {
      const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
      for (const [, kib] of text.matchAll(/^Private_\w+:\s+(\d+) kB$/gm)) bytes += Number(kib) * 1024;
    }
  }
  return bytes / monitors.length;
}

async function childrenOf(pid) {
  const threads = await readdir(`/proc/${pid}/task`);
  const texts = await Promise.all(threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, 'utf8')));
  return texts.join('').split(' ').filter(Boolean);
}
