/** What a driver does not hold, and why: known, said in docs/threat-model.md, and run all the same so that this list stays true. */
import { existsSync } from 'node:fs';
import { findDocker } from '@runlane/core/testing';
import type { SandboxDescription } from '@runlane/runner-host/testing';

export interface Exception {
  readonly attack: string;
  readonly why: string;
  /** Drivers by name; all of them when there is no list. */
  readonly drivers?: readonly string[];
  /** Where it depends on the machine: whether it is so here. */
  readonly here?: (description: SandboxDescription) => boolean;
}

const isPolled = ({ layers }: SandboxDescription) =>
  layers.some(({ name, holds }) => name === 'memory-cgroup' && !holds);

const isJail = ({ driver }: SandboxDescription) => driver === 'jail';
const hasV1 = () => !existsSync('/sys/fs/cgroup/cgroup.controllers');
/** One that runs already keeps its images elsewhere. */
const engineIsOurs = () => {
  const found = findDocker();
  return 'path' in found && !found.path.endsWith('.sock');
};
const CONTAINER_JAIL = 'jail, in an unprivileged container';

/** What the default settings of an engine leave open: attack → why. See docs/sandbox-docker.md too. */
const IN_CONTAINERS = {
  'host-name':
    "/etc is the image's, with its users; and a container's mounts name the folders in which the engine keeps its images, and the engine of the tests keeps them in this project",
  'files-of-the-host':
    "a container's files are the image's, and /proc has what the kernel tells everybody: its build, and the keys of one's own user",
  'kernel-settings':
    'a container has a whole /proc, read-only where it could change something and covered where it would tell secrets',
  'system-folder': 'a container has a /sys, read-only and covered but for its own control group',
  'shared-segments': 'a container has /proc/sysvipc and /dev/mqueue, and in them nothing but its own',
  'times-of-devices':
    "a container's devices are its own, made for one run, and no other run or host sees what becomes of their times",
  'limits-of-the-supervisor':
    "the engine's filter lets a program slow down its own processes, all at once too; nobody else's",
  'traces-its-child': "the engine's filter allows ptrace, of one's own processes",
  'huge-pages': "the engine's filter allows huge pages, where the host has set some aside",
  'timer-flood':
    'a limit of timers would be one for all containers, whose programs are the same user; what they take is charged as memory',
  'terminal-flood': "a container's terminals have no number of their own, only that of open files",
  'own-limits':
    "processor time is measured by process 1 of the container, and there is no limit of the kernel's that could be raised",
  'watches-on-shared-folders': "the engine's filter allows F_NOTIFY, which tells of the container's own files",
  'socket-families':
    'the filters look at families of sockets, not at protocols: ICMP, UDP-Lite and MPTCP are left, in a network with nothing in it',
  'kernel-interfaces': "the engine's filter allows memfd_secret, modify_ldt, vmsplice and syncfs",
  'machine-switches': "the engine's filter allows adjtimex, which without a capability only reads how the clock runs",
  'fixed-addresses': "the engine's filter allows the personalities of old programs, one without randomness among them",
};

const OPEN_FILES =
  'measuring processes does not see what the kernel holds for their open files, and only their number is limited';

export const EXCEPTIONS: readonly Exception[] = [
  {
    attack: 'locks-on-shared-files',
    here: isJail,
    why: 'files of the host that runs are shown are the same files in each of them, and locks belong to files',
  },
  {
    attack: 'state-of-the-machine',
    why: 'sysinfo() and statvfs() tell how busy and how full the machine is; the kernel has no namespace for either',
  },
  {
    attack: 'dropped-memory',
    here: isPolled,
    why: 'measuring processes does not see shared memory that none of them maps any more',
  },
  { attack: 'pipe-fill', here: isPolled, why: OPEN_FILES },
  { attack: 'unix-socket-fill', here: isPolled, why: OPEN_FILES },
  {
    attack: 'descriptors-in-flight',
    drivers: ['jail, by an ordinary user', CONTAINER_JAIL, 'docker'],
    why: 'the kernel counts descriptors that are under way by user of the host, and all runs are the same one there',
  },
  {
    attack: 'host-name',
    drivers: [CONTAINER_JAIL],
    here: engineIsOurs,
    why: "a container's mounts name the folders in which the engine keeps its images, and the engine of the tests keeps them in this project",
  },
  {
    attack: 'inet-socket-fill',
    drivers: ['docker'],
    here: hasV1,
    why: "the engine's filter allows large buffers, and cgroup v1 does not charge them to the run",
  },
  ...Object.entries(IN_CONTAINERS).map(([attack, why]) => ({ attack, why, drivers: ['docker'] })),
];

export function exceptionOf(attack: string, driver: string, description: SandboxDescription): Exception | undefined {
  return EXCEPTIONS.find(
    (one) => one.attack === attack && (one.drivers?.includes(driver) ?? true) && (one.here?.(description) ?? true),
  );
}
