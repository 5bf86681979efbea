/**
 * Virtual machines for tests: for kernels and processors that tests otherwise do not meet. Debian's kernel and Python, and
 * nothing else; made once, in .cache/machines. A machine lives for one test, on a disk that forgets what is written to it.
 *
 * They are emulated even where the processor could run them itself: in a machine that is a virtual one already that fails
 * in many ways, and a test should not.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, readdir, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MIRROR, SUITE } from './debian.js';
import { type Availability, findOnPath, installPackages, prepareAsRoot, ROOT } from './programs.js';

const run = promisify(execFile);

/** Minutes of emulation, and a hundred megabytes to fetch for it, are not for every run of the tests. */
const WANTED = process.env.CI === 'true';
const CACHE = join(ROOT, '.cache/machines');
const PACKAGES = ['qemu-system-x86', 'qemu-system-arm', 'debootstrap', 'e2fsprogs', 'util-linux'] as const;

/** As Debian calls them; what takes longest comes first. */
export const ARCHITECTURES = ['arm64', 'amd64'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

const EMULATORS = {
  amd64: { program: 'qemu-system-x86_64', board: 'q35', processor: 'max', console: 'ttyS0' },
  // One without signed pointers, which take an emulator half of its time.
  arm64: { program: 'qemu-system-aarch64', board: 'virt', processor: 'cortex-a72', console: 'ttyAMA0' },
} as const;
const TOOLS = ['debootstrap', 'mkfs.ext4', ...ARCHITECTURES.map((architecture) => EMULATORS[architecture].program)];

const KERNEL = 'linux-image';
/** Python, and what it is linked with: by the beginnings of the names of their packages. */
const UNPACKED = ['libc6_', 'libgcc-s1_', 'zlib1g_', 'libexpat1_', 'libffi8_', 'python3', 'libpython3', `${KERNEL}-6`];
const UNPACK =
  'dpkg-deb --fsys-tarfile "$0" | tar -x --keep-directory-symlink -C "$1" --exclude=./usr/share --exclude=./lib/modules';
const FOLDERS = ['dev', 'etc', 'mnt', 'proc', 'run', 'runlane', 'sys', 'tmp'];
/** Where Debian has them nowadays. */
const MERGED = ['bin', 'lib', 'lib64', 'sbin'];
/** A file that takes no room on the disk, and 64 MiB of memory once it was read. */
const LARGE_FILE = { path: 'usr/share/large', bytes: 64 << 20 };
const DISK = '192M';
const GUEST_DISK = '16M';
const MEMORY_MIB = 1024;
const BIG = { maxBuffer: 64 * 1024 * 1024 };

/** Look, without installing or making anything. */
export function findMachines(): Availability {
  if (!WANTED) return { missing: 'emulated machines take minutes: CI=true npm test -- machines tries them' };
  const tool = TOOLS.find((name) => !findOnPath(name));
  if (tool) return { missing: `${tool} is not installed: apt-get install ${PACKAGES.join(' ')}` };
  const lacking = ARCHITECTURES.find((architecture) => !existsSync(join(CACHE, architecture)));
  if (lacking) return { missing: `${join(CACHE, lacking)} is not made yet: npm test does so, as root` };
  return { path: CACHE };
}

/** Install the emulators and make what machines start from; nothing where they are not to be used. */
export async function prepareMachines(log: (line: string) => void): Promise<Availability> {
  if (!WANTED) return findMachines();
  return prepareAsRoot('machines for tests', PACKAGES, findMachines, async () => {
    if (!TOOLS.every(findOnPath)) await installPackages(PACKAGES, log);
    for (const architecture of ARCHITECTURES)
      if (!existsSync(join(CACHE, architecture))) await makeMachine(architecture, log);
  });
}

async function makeMachine(architecture: Architecture, log: (line: string) => void): Promise<void> {
  log(`making a virtual machine (${architecture}) with debootstrap: this takes a minute the first time`);
  const draft = `${CACHE}/draft-${process.pid}`;
  try {
    await mkdir(`${draft}/made`, { recursive: true });
    await run('debootstrap', downloadWords(architecture, `${draft}/download`), BIG);
    await makeRoot(`${draft}/download/var/cache/apt/archives`, `${draft}/root`);
    const boot = await readdir(`${draft}/root/boot`);
    const kernel = boot.find((name) => name.startsWith('vmlinuz-'));
    if (!kernel) throw new Error(`no kernel is in ${KERNEL}: ${boot.join(' ')}`);
    await rename(`${draft}/root/boot/${kernel}`, `${draft}/made/kernel`);
    await makeDisk(`${draft}/root`, `${draft}/made/disk`, DISK);
    await rename(`${draft}/made`, join(CACHE, architecture));
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Packages of another processor can be had and unpacked; their scripts could not be run, and need not be. */
function downloadWords(architecture: Architecture, folder: string): string[] {
  const packages = `--include=python3,${KERNEL}-cloud-${architecture}`;
  const words = ['--download-only', '--variant=minbase', `--arch=${architecture}`];
  return [...words, packages, SUITE, folder, MIRROR];
}

async function makeRoot(packages: string, root: string): Promise<void> {
  for (const folder of FOLDERS) await mkdir(join(root, folder), { recursive: true });
  for (const folder of MERGED) {
    await mkdir(join(root, 'usr', folder), { recursive: true });
    await symlink(`usr/${folder}`, join(root, folder));
  }
  for (const name of await readdir(packages)) {
    if (!UNPACKED.some((beginning) => name.startsWith(beginning))) continue;
    await run('bash', ['-o', 'pipefail', '-c', UNPACK, join(packages, name), root]);
  }
  await mkdir(join(root, LARGE_FILE.path, '..'), { recursive: true });
  await writeFile(join(root, LARGE_FILE.path), '');
  await truncate(join(root, LARGE_FILE.path), LARGE_FILE.bytes);
}

async function makeDisk(folder: string, path: string, size: string): Promise<void> {
  await run('mkfs.ext4', ['-q', '-d', folder, path, size]);
}

export interface BootOptions {
  /** Each path in the machine's /runlane, and the file that is copied there. `init.py` among them is its process 1. */
  readonly files: ReadonlyMap<string, string>;
  /** More words for the kernel. */
  readonly words?: readonly string[];
  /** Longest that it may live, in milliseconds. */
  readonly timeoutMs: number;
}

/**
 * A machine's whole life: what it printed on its console.
 * @throws Error when it has not powered itself off in time; the message ends with what it printed last.
 */
export async function bootMachine(architecture: Architecture, options: BootOptions): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'runlane-machine-'));
  try {
    await copyFiles(options.files, join(folder, 'files'));
    await makeDisk(join(folder, 'files'), join(folder, 'disk'), GUEST_DISK);
    // Told to end by the kernel when this process does, however it does.
    const words = ['--pdeathsig', 'KILL', ...emulatorWords(architecture, join(folder, 'disk'), options.words ?? [])];
    const { stdout } = await run('setpriv', words, { ...BIG, timeout: options.timeoutMs, killSignal: 'SIGKILL' });
    return stdout;
  } catch (error) {
    const { message, stdout = '', stderr = '' } = error as Error & { stdout?: string; stderr?: string };
    throw new Error(`the machine did not end well: ${message}\n${stderr}${stdout.slice(-2000)}`, { cause: error });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function copyFiles(files: BootOptions['files'], folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, source] of files) {
    const target = join(folder, name);
    await mkdir(join(target, '..'), { recursive: true });
    await copyFile(source, target);
    await chmod(target, 0o755);
  }
}

function emulatorWords(architecture: Architecture, guestDisk: string, more: readonly string[]): string[] {
  const { program, board, processor, console } = EMULATORS[architecture];
  const made = join(CACHE, architecture);
  // One controller for both disks, so that each has its name for certain.
  const disks = [join(made, 'disk'), guestDisk].flatMap((path, index) => [
    ...['-drive', `file=${path},format=raw,if=none,id=disk${index},snapshot=on`],
    ...['-device', `nvme-ns,drive=disk${index},nsid=${index + 1}`],
  ]);
  const start = "from ctypes import *;CDLL(None).mount(b'/dev/nvme0n2',b'/runlane',b'ext4',1,None);";
  const init = `init=/usr/bin/python3 -- -Ic "${start}import runpy;runpy.run_path('/runlane/init.py',run_name='__main__')"`;
  const kernel = [`console=${console}`, 'quiet', 'panic=-1', 'root=/dev/nvme0n1', 'devtmpfs.mount=1', ...more, init];
  return [
    program,
    ...['-accel', 'tcg', '-machine', board, '-cpu', processor, '-smp', '2', '-m', String(MEMORY_MIB)],
    ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none', '-serial', 'stdio'],
    ...['-device', 'nvme,id=disks,serial=disks', ...disks],
    ...['-kernel', join(made, 'kernel'), '-append', kernel.join(' ')],
  ];
}
