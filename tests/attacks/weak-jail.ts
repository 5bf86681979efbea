/**
 * The control: the jail with its layers taken out, one by one, which the attacks must then get through. It is a copy of
 * the jail's files in which lines are replaced, and it runs as an ordinary user in namespaces apart (`outer.py`).
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createJail } from '@runlane/runner-host/testing';
import type { Canaries } from './canaries.js';
import { identityOf, isRoot, NOBODY, type Opened, socketFolder } from './drivers.js';

const JAIL = fileURLToPath(new URL('../../../services/runners/host/jail/', import.meta.url));
const LANGUAGES = fileURLToPath(new URL('../../../services/runners/', import.meta.url));
const OUTER = fileURLToPath(new URL('../../attacks/outer.py', import.meta.url));
const START_MS = 20_000;

/** What is taken out: [layer, file, the line or part of it, what stands there instead]. */
// biome-ignore format: a table
const TAKEN_OUT: readonly (readonly [layer: string, file: string, from: string, to: string])[] = [
  ['self-test', 'launcher', 'layers = _probe(', 'layers = (lambda *_: [])('],
  ['user namespace', 'launcher', 'groups.slots[n], not root)', 'groups.slots[n], False)'],
  ['user namespace', 'program', 'os.setgroups([])', 'pass'],
  ['capabilities', 'program', 'linux.drop_capabilities()', 'pass'],
  ['capabilities', 'anchor', 'linux.drop_bounding_set()', 'pass'],
  ['no_new_privs', 'program', 'linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)', 'pass'],
  ['system-call filter', 'program', 'seccomp.install(filters)', 'pass'],
  ['environment', 'launcher', 'if "RUNLANE_CLEARED" in os.environ:', 'if True:'],
  ['environment', 'launcher', '{**rootfs.ENVIRONMENT, **', '{"RUNLANE_CANARY": os.environ["RUNLANE_CANARY"], **rootfs.ENVIRONMENT, **'],
  ['descriptors', 'program', 'linux.close_range(JOB_FD + 1)', 'linux.close_range(JOB_FD + 1); os.dup2(os.open("/", os.O_RDONLY), 9)'],
  ['pid, ipc and uts namespace', 'maker', 'NAMESPACES = linux.CLONE_NEWNS | linux.CLONE_NEWPID | linux.CLONE_NEWIPC | linux.CLONE_NEWUTS', 'NAMESPACES = linux.CLONE_NEWNS'],
  ['net namespace', 'anchor', '    | linux.CLONE_NEWNET\n', ''],
  ['net namespace', 'maker', 'network.enter()', 'pass'],
  ['uts namespace', 'maker', 'linux.sethostname(rootfs.HOSTNAME)', 'pass'],
  ['uts namespace', 'anchor', 'linux.sethostname(rootfs.HOSTNAME)', 'pass'],
  ['/proc', 'program', '"subset=pid"', 'None'],
  ['read-only root', 'rootfs', 'mount(None, target, None, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NOEXEC | _kept_flags(source))', 'pass'],
  ['read-only root', 'rootfs', 'mount(None, "/", None, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV)', 'pass'],
  ['only the runtimes', 'rootfs', 'if not (name in ("bin", "sbin") or', 'if not (name in ("bin", "sbin", "var") or'],
  ['only the runtimes', 'rootfs', '_write(f"{folder}/{name}", text.encode())', '_write(f"{folder}/{name}", _content(f"/etc/{name}") or b"x:x")'],
  ['sized folders', 'maker', "size={limits['diskBytes']},nr_inodes={limits['inodes']},", ''],
  ['terminals', 'maker', ',max={TERMINALS},uid', ',uid'],
  ['rlimits', 'program', 'resource.setrlimit(kind, (soft, hard))', 'pass'],
  ['memory', 'relay', 'if self.peak > self.limits["memoryBytes"]:', 'if False:'],
  ['memory', 'relay', 'too_much = not self.group.has_memory and peak > self.limits["memoryBytes"]', 'too_much = False'],
  ['memory', 'measure', 'tables = _field(f"{folder}/status", b"VmPTE:")', 'tables = 1'],
  ['clocks', 'relay', 'deadline = self.begun + self.limits["wallMs"] / 1000', 'deadline = self.begun + 20'],
  ['clocks', 'relay', 'elif self._cpu_ms() >= self.limits["cpuMs"]:', 'elif False:'],
  ['clocks', 'service', 'elif one.is_too_late(self.deadlines.passed(one.slot.number)):', 'elif False:'],
  ['output', 'relay', 'if len(data) > stream.left:', 'if False:'],
  ['output', 'relay', 'stream.not_before = time.monotonic() + COALESCE_SECONDS if len(data) < CHUNK else 0.0', 'pass'],
  ['output', 'relay', 'frames.pack(stream.kind, data)', 'frames.pack(stream.kind, data.decode(errors="replace").encode())'],
];

/** @throws Error naming every line that is not there any more: the control would else be less weak than it says. */
async function weaken(folder: string): Promise<void> {
  await cp(JAIL, folder, { recursive: true, filter: (path) => !path.includes('__pycache__') });
  const missing: string[] = [];
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.py')) continue;
    let text = await readFile(join(folder, name), 'utf8');
    for (const [, file, from, to] of TAKEN_OUT) {
      if (`${file}.py` !== name) continue;
      if (!text.includes(from)) missing.push(`${name}: ${from.trim()}`);
      text = text.replaceAll(from, to);
    }
    await writeFile(join(folder, name), text);
    await chmod(join(folder, name), 0o644);
  }
  await chmod(folder, 0o755);
  if (missing.length > 0) throw new Error(`mend weak-jail.ts, it does not find:\n  ${missing.join('\n  ')}`);
}

/** Opens the weak jail; the canaries then also tell what was touched in the namespaces around it. */
export async function openWeakJail(canaries: Canaries): Promise<{ opened: Opened; canaries: Canaries }> {
  const folder = await socketFolder();
  const copy = join(folder, 'jail');
  await weaken(copy).catch(async (reason) => {
    await rm(folder, { recursive: true, force: true });
    throw reason;
  });
  const socketPath = join(folder, 'jail.sock');
  const command = ['/usr/bin/python3', '-I', join(copy, 'launcher.py'), '--socket', socketPath, '--runners', LANGUAGES];
  command.push('--leash', '--allow-weak', '--slots', '4', '--warm', '1', '--no-cgroups');
  const child = spawn('/usr/bin/python3', ['-I', OUTER, JSON.stringify(canaries.where), ...command], {
    env: { PATH: '/usr/bin:/bin', RUNLANE_CANARY: canaries.secret },
    // What it says about its own trouble is of no interest: trouble is what it is for.
    stdio: ['pipe', 'pipe', 'ignore'],
    cwd: '/',
    ...(isRoot && NOBODY),
  });
  child.stdin.on('error', () => {});
  const ended = once(child, 'exit');
  const touched: string[] = [];
  const lines = createInterface({ input: child.stdout });
  await new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('the weak jail was not ready in time')), START_MS);
    lines.on('line', (line) => {
      const said = JSON.parse(line) as { touched?: string; ready?: boolean };
      if (said.touched) touched.push(said.touched);
      if (!said.ready) return;
      clearTimeout(late);
      resolve();
    });
    void ended.then(() => reject(new Error('the weak jail ended before it was ready')));
  }).catch((reason) => {
    child.kill('SIGKILL');
    throw reason;
  });
  const stop = async () => {
    child.stdin.destroy();
    // Its process 1 dies with it, and with that one all that is left in there.
    child.kill('SIGKILL');
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  const sandbox = await createJail({ socketPath, stop });
  const opened: Opened = {
    sandbox,
    serviceSocket: socketPath,
    identity: () => identityOf(child.pid ?? 0),
    close: () => sandbox.close(),
  };
  return {
    opened,
    canaries: { ...canaries, touched: async () => [...touched.splice(0), ...(await canaries.touched())] },
  };
}
