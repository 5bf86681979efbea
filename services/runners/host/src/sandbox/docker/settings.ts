/** How a container is made. Every value is ours: nothing of a request but its limits reaches the engine. */
import type Docker from 'dockerode';
import { TOOLCHAINS } from '../../command.js';
import type { Tools } from '../sandbox.js';
import type { ContainerLimits } from './container.js';

/** On every container of ours; its value is the owner's. */
export const LABEL = 'runlane.sandbox';
const HOSTNAME = 'runlane';
const MIB = 1024 * 1024;
/** Process 1 is in the same group as the program. */
const AGENT_BYTES = 16 * MIB;
const AGENT_PROCESSES = 1;
const NANO_CPUS = 1e9;

/** Engines cover these by themselves; a list of one's own replaces theirs, so theirs is in it. */
const COVERED_BY_ENGINES = [
  ...['acpi', 'asound', 'interrupts', 'kcore', 'keys', 'latency_stats', 'sched_debug', 'scsi'].map((p) => `/proc/${p}`),
  ...['timer_list', 'timer_stats'].map((path) => `/proc/${path}`),
  '/sys/firmware',
];
/** What tells about the host, its devices and settings: all of /sys but the groups, which process 1 reads. */
const COVERED_BY_US = [
  ...['block', 'bus', 'class', 'dev', 'devices', 'hypervisor', 'kernel', 'module', 'power'].map((p) => `/sys/${p}`),
  ...['bpf', 'btrfs', 'ext4', 'f2fs', 'fuse', 'pstore', 'resctrl', 'selinux', 'xfs'].map((path) => `/sys/fs/${path}`),
];

interface SettingsOptions {
  readonly image: string;
  readonly runtime: string | undefined;
  readonly owner: string;
  readonly limits: ContainerLimits;
  readonly tools: Readonly<Record<string, Tools>>;
  /** A folder of the engine's machine, to show where toolchains find what their setups made; none where there is no need. */
  readonly toolchainsDir: string | undefined;
}

/** @param agent the text of the program that is process 1. */
export function settingsFor(
  { image, runtime, owner, limits, tools, toolchainsDir }: SettingsOptions,
  agent: string,
): Docker.ContainerCreateOptions {
  return {
    Image: image,
    // As words: no shell reads them.
    Entrypoint: ['python3', '-I', '-S', '-c', agent, JSON.stringify(tools)],
    Cmd: [],
    Labels: { [LABEL]: owner },
    Hostname: HOSTNAME,
    // Process 1 gives this up before there is a program; an image's own user could not become the program's.
    User: '0:0',
    WorkingDir: '/',
    NetworkDisabled: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    OpenStdin: true,
    // The end of the connection is the end of its input, and with that, of the container.
    StdinOnce: true,
    HostConfig: { ...isolationFor(limits, runtime), ...(toolchainsDir !== undefined && showing(toolchainsDir)) },
  };
}

/** The types of the client library do not know every field. */
type Isolation = Docker.HostConfig & { readonly CgroupnsMode: string };

function isolationFor(limits: ContainerLimits, runtime: string | undefined): Isolation {
  return {
    NetworkMode: 'none',
    ReadonlyRootfs: true,
    CapDrop: ['ALL'],
    // For process 1: the first three until it has become what it stays, the others to end a run and to read what it left.
    CapAdd: ['SETUID', 'SETGID', 'SETPCAP', 'KILL', 'DAC_OVERRIDE'],
    SecurityOpt: ['no-new-privileges'],
    CgroupnsMode: 'private',
    // Of its own, and /dev/shm as a tmpfs of ours, with a size.
    IpcMode: 'none',
    LogConfig: { Type: 'none', Config: {} },
    RestartPolicy: { Name: '' },
    MaskedPaths: [...COVERED_BY_ENGINES, ...COVERED_BY_US],
    Tmpfs: tmpfsFor(limits),
    NanoCpus: NANO_CPUS,
    ...limitsFor(limits),
    ...(runtime !== undefined && { Runtime: runtime }),
  };
}

/** As a mount, which is refused where there is no such folder; a bind would have the engine make one. */
function showing(toolchainsDir: string): Pick<Docker.HostConfig, 'Mounts'> {
  const propagation = { Propagation: 'rprivate' } as const;
  return {
    Mounts: [{ Type: 'bind', Source: toolchainsDir, Target: TOOLCHAINS, ReadOnly: true, BindOptions: propagation }],
  };
}

/** What can be changed while it lives. */
export function limitsFor({ memoryBytes, processes }: Pick<ContainerLimits, 'memoryBytes' | 'processes'>) {
  const memory = memoryBytes + AGENT_BYTES;
  // The second counts memory and swap together: the same, so there is no swap.
  return { Memory: memory, MemorySwap: memory, PidsLimit: processes + AGENT_PROCESSES };
}

function tmpfsFor({ diskBytes, inodes }: ContainerLimits): Record<string, string> {
  const size = `nosuid,nodev,size=${diskBytes},nr_inodes=${inodes}`;
  return {
    // Programs may be made and run in the first two: compilers do. /dev/shm is for data.
    '/work': `exec,${size},mode=700,uid=65534,gid=65534`,
    '/tmp': `exec,${size},mode=1777`,
    '/dev/shm': `noexec,${size},mode=1777`,
  };
}
