/** What the jail leaves behind: nothing, after thousands of runs, nor when a part of it or its caller goes away. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Given, open, runPython } from '../sandbox.fixture.js';
import { type Run, type RunEvent, type Sandbox, SandboxError } from '../sandbox.js';
import { createJail } from './driver.js';
import { launchJail } from './launch.js';

const languagesDir = fileURLToPath(new URL('../../../../', import.meta.url));
const isRoot = process.getuid?.() === 0;
const needsRoot = { skip: !isRoot && 'needs root, to look into the processes of the jail' };
/** An ordinary user: any id without rights will do. */
const NOBODY = { uid: 54_321, gid: 54_321 };
const MIB = 1024 * 1024;
const AT_ONCE = 8;
const RUNS = process.env.CI === 'true' ? 10_000 : 1000;
/** After so many runs all has been touched that a run touches, and nothing should grow any more. */
const RUNS_BEFORE = 200;
const GROWTH = 1.2;
/** Longest that anything of a run may live on after its monitor or its caller is gone, in milliseconds. */
const GONE_MS = 1000;

/** As docs/sandbox.md has them: as root, as an ordinary user, as root without user namespaces. */
type Mode = 'A' | 'B' | 'C';

interface Jail {
  readonly sandbox: Sandbox;
  readonly launcher: number;
}

/** A jail with so many monitors and no more, each of which serves the next run as soon as it can. */
async function withJail(slots: number, mode: Mode, work: (jail: Jail) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'runlane-leaks-test-'));
  if (isRoot) await chmod(folder, 0o777);
  const socketPath = join(folder, 'jail.sock');
  const user = isRoot && mode === 'B' ? NOBODY : undefined;
  const peerUid = user?.uid ?? process.getuid?.() ?? 0;
  const extraArguments = ['--warm', '0', ...(mode === 'C' ? ['--no-user-namespaces'] : [])];
  const options = { socketPath, slots, languagesDir, peerUid, allowWeak: false, extraArguments };
  const launched = await launchJail({ ...options, ...(user && { user }) });
  const sandbox = await createJail({ socketPath, lost: launched.lost, stop: launched.stop });
  try {
    await work({ sandbox, launcher: launched.pid });
  } finally {
    await sandbox.close();
    await rm(folder, { recursive: true });
  }
}

for (const [mode, who, runs] of [
  ['A', 'root', RUNS],
  ['B', 'an ordinary user', RUNS / 2],
] as const) {
  test(`${runs} runs leave nothing in a jail started by ${who}`, needsRoot, (context) =>
    withJail(AT_ONCE, mode, (jail) => leaveNothing(jail, runs, context)),
  );
}

async function leaveNothing(jail: Jail, runs: number, context: TestContext): Promise<void> {
  await runMany(jail.sandbox, 0, RUNS_BEFORE);
  const before = await atRest(jail, AT_ONCE);
  const memoryBefore = await memoryOf(jail);
  await runMany(jail.sandbox, RUNS_BEFORE, runs);
  await becomes(() => look(jail), before);
  const memoryAfter = await memoryOf(jail);
  for (const [name, kib] of Object.entries(memoryBefore)) {
    const now = memoryAfter[name as keyof typeof memoryAfter];
    context.diagnostic(`memory of the ${name}: ${kib} KiB after ${RUNS_BEFORE} runs, ${now} KiB after ${runs}`);
    assert.ok(now <= kib * GROWTH, `the ${name} grew from ${kib} to ${now} KiB`);
  }
}

/** Some programs end otherwise than by themselves, or leave something behind. */
const UNUSUAL: Readonly<Record<number, (sandbox: Sandbox) => Promise<void>>> = {
  7: async (sandbox) => {
    const { run } = await startedRun(sandbox, 'import time; print("up"); time.sleep(60)');
    run.close();
  },
  17: async (sandbox) => {
    const { end } = await runPython(sandbox, 'import time; time.sleep(60)', { limits: { wallTimeMs: 30 } });
    assert.equal(end.reason, 'wall');
  },
  27: async (sandbox) => {
    const daemon = 'import os, time\nif os.fork() == 0:\n  os.setsid()\n  time.sleep(60)';
    assert.equal((await runPython(sandbox, daemon)).end.code, 0);
  },
  37: async (sandbox) => (await open(sandbox, 'pass')).close(),
  47: async (sandbox) => {
    assert.equal((await runPython(sandbox, CONNECTS)).end.code, 0);
  },
};

const CONNECTS =
  'import socket\na = socket.create_server(("127.0.0.1", 0)); b = socket.create_connection(a.getsockname()); b.send(b"x"); a.accept()[0].recv(1)';

async function runMany(sandbox: Sandbox, first: number, end: number): Promise<void> {
  let next = first;
  const one = async () => {
    while (next < end) {
      const unusual = UNUSUAL[next++ % 50];
      if (unusual) await unusual(sandbox);
      else assert.equal((await runPython(sandbox, 'pass')).end.code, 0);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

for (const [mode, who] of [
  ['A', 'root'],
  ['B', 'an ordinary user'],
  ['C', 'root without user namespaces'],
] as const) {
  for (const victim of ['monitor', 'maker'] as const) {
    test(
      `a killed ${victim} is told as an error, leaves nothing of its run, and its slot serves again: ${who}`,
      needsRoot,
      () =>
        withJail(1, mode, async (jail) => {
          const before = await atRest(jail, 1);
          const { events } = await startedRun(jail.sandbox, LEAVES_DAEMON);
          const parts = await monitorOf(jail);
          assert.equal(parts.run.length, 3, 'process 1, the program and its daemon');
          process.kill(parts[victim], 'SIGKILL');
          await assert.rejects(ended(events), SandboxError);
          await until(() => areGone([...parts.run, parts.monitor, parts.maker]), GONE_MS);
          assert.equal((await runPython(jail.sandbox, 'print("again")')).text, 'again');
          await becomes(() => look(jail), before);
        }),
    );
  }

  test(`a monitor that has stopped is killed some time after the limit of its run: ${who}`, needsRoot, () =>
    withJail(1, mode, async (jail) => {
      const before = await atRest(jail, 1);
      const { events } = await startedRun(jail.sandbox, LEAVES_DAEMON, { limits: { wallTimeMs: 500 } });
      const { monitor, run } = await monitorOf(jail);
      process.kill(monitor, 'SIGSTOP');
      await assert.rejects(ended(events), SandboxError);
      await until(() => areGone([...run, monitor]), GONE_MS);
      assert.equal((await runPython(jail.sandbox, 'print("again")')).text, 'again');
      await becomes(() => look(jail), before);
    }),
  );

  test(`however many files a program leaves, the monitor holds few of their names: ${who}`, needsRoot, () =>
    withJail(1, mode, async (jail) => {
      const { monitor } = await monitorOf(jail);
      const before = await mostMemoryOf(monitor);
      const limits = {
        inodes: 65_536,
        memoryBytes: 1024 * MIB,
        wallTimeMs: 60_000,
        cpuTimeMs: 60_000,
        producedFiles: 256,
      };
      const { end, stderr } = await runPython(jail.sandbox, LEAVES_FILES, { limits });
      assert.deepEqual([end.reason, end.code, end.filesOmitted > 1000], ['exited', 0, true], stderr.toString());
      const grown = (await mostMemoryOf(monitor)) - before;
      assert.ok(grown < 20 * MIB, `it grew by ${grown} bytes`);
    }),
  );

  test(`when the caller goes nothing of its run stays: ${who}`, needsRoot, () =>
    withJail(1, mode, async (jail) => {
      const before = await atRest(jail, 1);
      const { run: callers } = await startedRun(jail.sandbox, LEAVES_DAEMON);
      const { run } = await monitorOf(jail);
      callers.close();
      await until(() => areGone(run), GONE_MS);
      await becomes(() => look(jail), before);
    }),
  );
}

/** As many as it may, each with a path as long as can be: in a folder of folders, as they are looked through. */
const LEAVES_FILES = `
import os
os.chdir("out")
for _ in range(3): os.mkdir("d" * 250); os.chdir("d" * 250)
for n in range(65_500): os.close(os.open(f"{n:05}" + "n" * 245, os.O_CREAT | os.O_WRONLY))
`;
const LEAVES_DAEMON = 'import os, time\nif os.fork() == 0:\n  os.setsid(); print("up"); time.sleep(60)\ntime.sleep(60)';

/** What uses a network, one way or another: [what it does, program]. */
const USES: [string, string][] = [
  ['connects', CONNECTS],
  ['is refused', 'import socket\ns = socket.socket()\ntry: s.connect(("127.0.0.1", 9))\nexcept OSError: pass'],
  ['reaches nothing', 'import socket\ns = socket.socket()\ntry: s.connect(("192.0.2.1", 9))\nexcept OSError: pass'],
];
/** Multicast groups, whose reports the kernel may put off for a second. */
const JOINS: [string, string][] = [
  [
    'IPv4',
    'import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton("224.1.2.3") + socket.inet_aton("127.0.0.1"))',
  ],
];
if (existsSync('/proc/net/if_inet6')) {
  const socket6 = 'import socket\ns = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)\n';
  // These outlive their sockets, and without a packet.
  USES.push(['looks up a route', `${socket6}s.connect(("::1", 9))`]);
  USES.push([
    'has a flow label',
    `${socket6}s.setsockopt(41, 32, bytes(15) + b"\\1\\0\\1\\2\\3\\0\\xff\\1\\0\\6\\0\\6\\0" + bytes(4))`,
  ]);
  JOINS.push([
    'IPv6',
    `${socket6}s.setsockopt(41, socket.IPV6_JOIN_GROUP, socket.inet_pton(socket.AF_INET6, "ff02::5") + b"\\1\\0\\0\\0")`,
  ]);
}

for (const [family, code] of JOINS) {
  test(`what a run says to a multicast group of ${family} does not come after its end, in the next one`, async () => {
    await withJail(1, isRoot ? 'A' : 'B', async ({ sandbox }) => {
      const { end, stderr } = await runPython(sandbox, code);
      assert.equal(end.code, 0, stderr.toString());
      const waits = 'import time; time.sleep(1.2); print(open("/proc/self/net/dev").read())';
      assert.match((await runPython(sandbox, waits)).text, /lo: +0 +0/);
    });
  });
}

/** A run whose program has printed something, which is that it is where it shall be. */
async function startedRun(
  sandbox: Sandbox,
  code: string,
  given?: Given,
): Promise<{ run: Run; events: AsyncGenerator<RunEvent, void, undefined> }> {
  const run = await open(sandbox, code, given);
  run.go();
  const events = run.events();
  for (;;) {
    const { value } = await events.next();
    assert.ok(value && value.kind !== 'exited', 'the program ended');
    if (value.kind === 'stdout') return { run, events };
  }
}

async function ended(events: AsyncGenerator<RunEvent, void, undefined>): Promise<void> {
  for await (const _ of events);
}

// Looking at processes, as the host sees them

interface Process {
  readonly pid: number;
  readonly parent: number;
  /** Its pid and when it was started: no other process ever has the same. */
  readonly id: string;
}

async function processes(): Promise<Process[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '')));
  return stats.filter(Boolean).map((text) => {
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const pid = Number.parseInt(text, 10);
    return { pid, parent: Number(fields[1]), id: `${pid} ${fields[19]}` };
  });
}

/** A process and all below it. */
function treeOf(pid: number, all: readonly Process[]): Process[] {
  const below = all.filter(({ parent }) => parent === pid).flatMap((child) => treeOf(child.pid, all));
  return [...all.filter((one) => one.pid === pid), ...below];
}

async function partsOf({ launcher }: Jail) {
  const all = await processes();
  const childrenOf = (pid: number) => all.filter(({ parent }) => parent === pid).map((child) => child.pid);
  const [anchor = 0] = childrenOf(launcher);
  const [service = 0] = childrenOf(anchor);
  const monitors = childrenOf(service);
  return { all, service, monitors, makers: monitors.flatMap(childrenOf), tree: treeOf(launcher, all) };
}

/** The only monitor of a jail, its maker, and the processes of its run, as ids. */
async function monitorOf(jail: Jail): Promise<{ monitor: number; maker: number; run: string[] }> {
  const { all, monitors } = await partsOf(jail);
  assert.equal(monitors.length, 1);
  const monitor = monitors[0] ?? 0;
  const [, maker, ...run] = treeOf(monitor, all);
  return { monitor, maker: maker?.pid ?? 0, run: run.map(({ id }) => id) };
}

async function areGone(ids: readonly (string | number)[]): Promise<boolean> {
  const living = (await processes()).flatMap(({ id, pid }) => [id, pid]);
  return !ids.some((id) => living.includes(id));
}

/** How much there is of everything that a run may leave. */
async function look(jail: Jail) {
  const { service, monitors, tree } = await partsOf(jail);
  const pids = tree.map(({ pid }) => pid);
  const namespaces = await Promise.all(pids.map(namespacesOf));
  const descriptors = async (pid: number) => (await readdir(`/proc/${pid}/fd`).catch(() => [])).length;
  const mounts = async (pid: number) =>
    (await readFile(`/proc/${pid}/mountinfo`, 'utf8').catch(() => '')).split('\n').length;
  const isOfRuns = runUids(jail.sandbox);
  // All that are left would be below the launcher: whatever is orphaned comes back to it.
  const uids = await Promise.all(pids.map(uidOf));
  return {
    processes: tree.length,
    monitors: monitors.length,
    descriptorsOfService: await descriptors(service),
    descriptorsOfMonitors: sum(await Promise.all(monitors.map(descriptors))),
    mounts: sum(await Promise.all([service, ...monitors].map(mounts))),
    namespaces: new Set(namespaces.flat()).size,
    groups: await groupsOf(jail.launcher),
    processesOfRunUids: uids.filter(isOfRuns).length,
  };
}

/** As `look`, when each monitor's maker has made a sandbox: process 1 and the process that waits to be a program. */
async function atRest(jail: Jail, slots: number): Promise<Awaited<ReturnType<typeof look>>> {
  let seen = await look(jail);
  let sameFor = 0;
  await until(async () => {
    const before = JSON.stringify(seen);
    seen = await look(jail);
    // A monitor may still be closing the connection that was there before: only what stays so is at rest.
    sameFor = JSON.stringify(seen) === before ? sameFor + 1 : 0;
    return sameFor >= 5 && seen.processes === 3 + 4 * slots && seen.groups.every(({ processes }) => processes <= 1);
  }, 10_000);
  return seen;
}

async function becomes<T>(now: () => Promise<T>, before: T): Promise<void> {
  const deadline = performance.now() + 5000;
  for (;;) {
    const seen = await now();
    try {
      return assert.deepEqual(seen, before);
    } catch (difference) {
      if (performance.now() > deadline) throw difference;
    }
    await sleep(20);
  }
}

async function namespacesOf(pid: number): Promise<string[]> {
  const names = await readdir(`/proc/${pid}/ns`).catch(() => []);
  return Promise.all(names.map((name) => readlink(`/proc/${pid}/ns/${name}`).catch(() => '')));
}

/** Whether a uid of the host is one that only runs have. */
function runUids(sandbox: Sandbox): (uid: number) => boolean {
  const detail = sandbox.description.layers.find(({ name }) => name === 'uid')?.detail ?? '';
  const [, count = 0, first = 0] = /(\d+) host ids from (\d+)/.exec(detail) ?? [];
  return (uid) => uid >= Number(first) && uid < Number(first) + Number(count);
}

async function uidOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^Uid:\s+(\d+)/m.exec(status)?.[1] ?? -1);
}

/** The control groups of a launcher, and how many processes are in each: whoever waits to be a program is in one already. */
async function groupsOf(launcher: number): Promise<{ path: string; processes: number }[]> {
  const paths = await readdir('/sys/fs/cgroup', { recursive: true }).catch(() => []);
  const own = paths.filter((path) => path.includes(`runlane-${launcher}/`) && path.endsWith('cgroup.procs'));
  return Promise.all(
    own.sort().map(async (path) => {
      const text = await readFile(join('/sys/fs/cgroup', path), 'utf8').catch(() => '');
      return { path, processes: text.split('\n').filter(Boolean).length };
    }),
  );
}

/** In bytes: the most that a process ever had in its memory. */
async function mostMemoryOf(pid: number): Promise<number> {
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

/** In KiB: what each holds by itself, and its share of what it has in common with others of the jail; no files. */
async function memoryOf(jail: Jail): Promise<{ service: number; monitors: number; makers: number }> {
  const { service, monitors, makers } = await partsOf(jail);
  const kib = async (pid: number) =>
    Number(/^Pss_Anon:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]);
  const together = async (pids: readonly number[]) => sum(await Promise.all(pids.map(kib)));
  return { service: await kib(service), monitors: await together(monitors), makers: await together(makers) };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

async function until(condition: () => Promise<boolean>, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    assert.ok(performance.now() < deadline, `it did not happen within ${withinMs} ms`);
    await sleep(10);
  }
}
