/**
 * What programs try against the sandbox, and what must come of it: one row for each file of `programs/`.
 * A program says what it found as lines of JSON; what must be in them is here. Whether it holds is judged in `judge.ts`.
 */
import type { Given, RunEnd } from '@runlane/runner-host/testing';

/** What a fact must be: itself, or what a test says of it. A fact that must not be there is undefined. */
export type Expected = string | number | boolean | undefined | readonly Expected[] | Test;

export interface Test {
  readonly means: string;
  holds(value: unknown): boolean;
}

export interface Attack {
  /** Of the file in `programs/`, without `.py`; and of the row in docs/threat-model.md. */
  readonly name: string;
  readonly given?: Pick<Given, 'limits' | 'stdin'>;
  /** How the run must end; when nothing is said, with exit code 0. */
  readonly ends?: { readonly [name in keyof RunEnd]?: Expected };
  readonly facts?: Readonly<Record<string, Expected>>;
  /** What standard output must be. */
  readonly stdout?: Buffer | RegExp;
  /** Most pieces in which output may arrive. */
  readonly pieces?: number;
  /** Longest from its start to its answer, in milliseconds. */
  readonly withinMs?: number;
  /** Once it says `full`, a neighbour must still get what every program may have. */
  readonly neighbour?: true;
  /** It takes so much of the machine, or measures so closely, that nothing else may run beside it. */
  readonly alone?: true;
}

const MIB = 1024 * 1024;

const atMost = (most: number): Test => ({
  means: `at most ${most}`,
  holds: (value) => typeof value === 'number' && value <= most,
});
const atLeast = (least: number): Test => ({
  means: `at least ${least}`,
  holds: (value) => typeof value === 'number' && value >= least,
});
const oneOf = (...values: readonly unknown[]): Test => ({
  means: `one of ${values.join(', ')}`,
  holds: (value) => values.includes(value),
});
/** A list in which there is nothing else. */
const only = (...values: readonly unknown[]): Test => ({
  means: `only ${values.join(', ')}`,
  holds: (value) => Array.isArray(value) && value.length > 0 && value.every((one) => values.includes(one)),
});
const exited = (code: number) => ({ reason: 'exited', code });
/** Nothing, because it was ended before it could say so, or no more. */
const noMoreThan = (most: number): Test => ({
  means: `nothing, or at most ${most}`,
  holds: (value) => value === undefined || (typeof value === 'number' && value <= most),
});
/** Refused, as a call that is not there, or that one may not make; or ended for trying. */
const NO_CALL = oneOf('-38', '-1', 'signal 31', 'signal 11');
/** Ended by its memory, or by the kernel's refusal before that. */
const MEMORY_OR_LESS = { reason: oneOf('memory', 'exited') };

export const ATTACKS: readonly Attack[] = [
  // Processes
  {
    name: 'fork-bomb',
    given: { limits: { processes: 32 } },
    facts: { refused: 'EAGAIN', made: atMost(32) },
    alone: true,
  },
  {
    name: 'fork-bomb-beside-a-neighbour',
    given: { limits: { processes: 64 } },
    facts: { refused: 'EAGAIN' },
    neighbour: true,
    alone: true,
  },
  { name: 'thread-bomb', given: { limits: { processes: 32 } }, facts: { made: atMost(32) }, alone: true },
  {
    name: 'zombie-flood',
    given: { limits: { processes: 32 } },
    facts: { refused: 'EAGAIN', made: atMost(32) },
    alone: true,
  },
  { name: 'pid-hopper', facts: { hopping: true }, withinMs: 3000, alone: true },
  { name: 'daemon', facts: { done: true }, withinMs: 3000 },
  { name: 'orphan-holds-output', facts: { done: true }, stdout: /^((?!late).)*$/s, withinMs: 3000 },
  { name: 'closes-its-streams', facts: { closed: true }, ends: { ...exited(3), wallMs: atLeast(450) } },
  { name: 'processes-of-others', facts: { seen: [], signalled: [] } },
  { name: 'kills-everybody', facts: { killed: 'done' }, ends: exited(6) },
  { name: 'kills-the-supervisor', ends: { reason: 'exited', signal: 'SIGKILL' }, withinMs: 3000 },
  { name: 'stops-the-supervisor', ends: exited(5), withinMs: 2500 },
  { name: 'limits-of-the-supervisor', facts: { done: [] } },
  { name: 'ptrace', facts: { done: [] } },
  { name: 'traces-its-child', facts: { traced: 'EPERM' } },

  // Memory, files and the kernel's own memory
  { name: 'memory-bomb', given: { limits: { memoryBytes: 128 * MIB } }, ends: { reason: 'memory' }, alone: true },
  {
    name: 'memory-bomb-of-children',
    given: { limits: { memoryBytes: 128 * MIB } },
    ends: { reason: 'memory' },
    facts: { survived: undefined },
    alone: true,
  },
  { name: 'lazy-memory', facts: { mapped: 1 } },
  {
    name: 'unmapped-memory',
    given: { limits: { memoryBytes: 96 * MIB } },
    ends: MEMORY_OR_LESS,
    facts: { heldMiB: noMoreThan(0) },
    alone: true,
  },
  {
    name: 'dropped-memory',
    given: { limits: { memoryBytes: 128 * MIB } },
    ends: { reason: 'memory' },
    facts: { heldMiB: undefined },
    alone: true,
  },
  {
    name: 'disk-fill',
    given: { limits: { diskBytes: 8 * MIB } },
    facts: { results: ['ENOSPC'], mostMiB: atMost(8) },
    alone: true,
  },
  { name: 'inode-flood', facts: { deep: 'ENOSPC', results: ['ENOSPC'], made: atMost(3 * 4096) }, alone: true },
  { name: 'sparse-file', facts: { truncate: 'EFBIG', seek: 'EFBIG', allocate: 'EFBIG', size: 0 } },
  {
    name: 'descriptor-flood',
    given: { limits: { openFiles: 64 } },
    facts: {
      raised: oneOf('EPERM', 'ValueError: not allowed to raise maximum limit'),
      refused: 'EMFILE',
      made: atMost(64),
    },
  },
  {
    name: 'pipe-fill',
    given: { limits: { memoryBytes: 32 * MIB } },
    ends: MEMORY_OR_LESS,
    facts: { heldMiB: noMoreThan(32) },
    alone: true,
  },
  {
    name: 'unix-socket-fill',
    given: { limits: { memoryBytes: 32 * MIB } },
    ends: MEMORY_OR_LESS,
    facts: { heldMiB: noMoreThan(32) },
    alone: true,
  },
  {
    name: 'inet-socket-fill',
    given: { limits: { memoryBytes: 32 * MIB } },
    ends: MEMORY_OR_LESS,
    facts: { heldMiB: noMoreThan(32) },
    alone: true,
  },
  {
    name: 'system-v-fill',
    given: { limits: { memoryBytes: 32 * MIB } },
    ends: MEMORY_OR_LESS,
    facts: { heldMiB: noMoreThan(32) },
    alone: true,
  },
  {
    name: 'page-tables',
    given: { limits: { memoryBytes: 64 * MIB } },
    ends: MEMORY_OR_LESS,
    facts: { heldMiB: noMoreThan(64) },
    alone: true,
  },
  { name: 'huge-pages', facts: { mapped: 1, file: 'EPERM' } },
  {
    name: 'descriptors-in-flight',
    given: { limits: { openFiles: 1024 } },
    facts: { refused: 'ETOOMANYREFS', inFlight: atMost(1024 + 253) },
    neighbour: true,
    alone: true,
  },
  { name: 'timer-flood', facts: { refused: 'EAGAIN', made: atMost(1024) } },
  { name: 'message-queues', facts: { queue: oneOf('EMFILE', 'EPERM', 'ENOSYS'), lock: oneOf('EPERM', 'ENOMEM') } },
  { name: 'terminal-flood', facts: { typed: 'EPERM', refused: 'ENOSPC', made: atMost(64) } },
  { name: 'own-limits', facts: { done: [] } },

  // Time
  {
    name: 'sleeps',
    given: { limits: { wallTimeMs: 500 } },
    ends: { reason: 'wall', cpuMs: atMost(300) },
    withinMs: 2500,
  },
  {
    name: 'spins-everywhere',
    given: { limits: { cpuTimeMs: 500, wallTimeMs: 8000 } },
    ends: { reason: 'cpu', cpuMs: atMost(1500) },
    alone: true,
  },
  { name: 'ignores-signals', given: { limits: { wallTimeMs: 500 } }, ends: { reason: 'wall' }, withinMs: 2500 },
  { name: 'stops-itself', given: { limits: { wallTimeMs: 500 } }, ends: { reason: 'wall' }, withinMs: 2500 },

  // Streams
  {
    name: 'output-flood',
    given: { limits: { outputBytes: 65_536 } },
    ends: { reason: 'output', stdoutTruncated: true },
    stdout: Buffer.alloc(65_536, 'x'),
  },
  {
    name: 'error-flood',
    given: { limits: { outputBytes: 65_536 } },
    ends: { reason: 'output', stderrTruncated: true, stdoutTruncated: false },
    pieces: 10_000,
  },
  { name: 'tiny-writes', stdout: Buffer.alloc(100_000, 'x'), pieces: 10_000 },
  {
    name: 'poison-bytes',
    stdout: Buffer.concat([
      Buffer.from(Array.from({ length: 256 }, (_, n) => n)),
      Buffer.from('eda080f09f981b5d35323b633b61476b3d071b5b324a00', 'hex'),
      Buffer.from('<script>alert(1)</script>\r\n'),
    ]),
  },
  {
    name: 'forged-verdict',
    ends: exited(7),
    stdout: /^.{4}E\{"reason":"exited".*event: finished.*200 OK\r\n\r\n$/s,
  },
  { name: 'huge-input', given: { stdin: Buffer.alloc(8 * MIB, 'x') }, ends: exited(4), withinMs: 3000 },
  { name: 'input-games', given: { stdin: Buffer.alloc(3 * MIB, 'x') }, facts: { read: 3 * MIB, after: 0 } },

  // What belongs to others
  { name: 'files-of-other-runs', facts: { found: [] } },
  { name: 'files-of-the-host', facts: { opened: [] } },
  { name: 'planted-files', facts: { devices: ['EPERM'], through: oneOf('ENOENT', 'EACCES') } },
  { name: 'environment', facts: { found: [], variables: [], installedIn: [] } },
  {
    name: 'memory-of-the-service',
    facts: { found: [], shared: [], frames: ['<module>'], services: [], runs: [] },
  },
  { name: 'inherited-descriptors', facts: { open: [0, 1, 2], pipes: true, climbed: [] } },
  { name: 'shared-segments', facts: { found: [], files: [] } },
  {
    name: 'host-name',
    facts: { name: false, users: only('root', 'nobody', 'run'), project: false, home: '/work' },
  },
  {
    name: 'watches-on-shared-folders',
    facts: { notice: 'EPERM', lease: 'EPERM', own: 'EPERM', watch: 'EPERM', mark: 'EPERM', cache: 'EPERM' },
  },
  { name: 'times-of-devices', facts: { done: [] } },
  { name: 'locks-on-shared-files', facts: { lock: 'done' } },
  { name: 'state-of-the-machine', facts: { disk: false, load: false, files: [] } },

  // Networks and sockets
  { name: 'network', facts: { sent: 0, interfaces: ['lo'] } },
  { name: 'loopback-services', facts: { results: only('ECONNREFUSED', 'EADDRNOTAVAIL'), read: [] } },
  { name: 'metadata-service', facts: { results: ['ENETUNREACH'] } },
  { name: 'abstract-sockets', facts: { results: ['ECONNREFUSED'], listed: [], read: [] } },
  { name: 'socket-files', facts: { results: ['ENOENT'], read: [] } },
  { name: 'socket-families', facts: { opened: [] } },

  // The kernel
  { name: 'mounts', facts: { done: [] } },
  { name: 'namespaces', facts: { done: [], clone3: 'ENOSYS', pid: atMost(100) } },
  { name: 'joins-namespaces', facts: { allowed: [] } },
  { name: 'writes-the-root', facts: { done: [] } },
  { name: 'overwrites-the-runtime', facts: { done: [] } },
  {
    name: 'becomes-somebody-else',
    facts: { done: [], capabilities: ['0000000000000000'], noNewPrivs: '1', root: false, ids: 1 },
  },
  { name: 'kernel-settings', facts: { done: [], visible: ['self', 'thread-self'] } },
  { name: 'system-folder', facts: { there: [], agents: [], mounted: 'EPERM', groups: ['/'] } },
  { name: 'keyrings', facts: { results: ['EPERM'] } },
  { name: 'io-uring', facts: { setup: oneOf('EPERM', 'ENOSYS') } },
  { name: 'kernel-interfaces', facts: { refused: only('EPERM', 'ENOSYS') } },
  { name: 'machine-switches', facts: { allowed: [] } },
  { name: 'foreign-calls', facts: { x32: NO_CALL, unknown: '-38', interrupt: NO_CALL } },
  { name: 'files-by-handle', facts: { named: 'EPERM', opened: 'EPERM' } },
  {
    name: 'core-dump',
    facts: {
      raised: oneOf('EPERM', 'ValueError: not allowed to raise maximum limit'),
      dumped: false,
      signal: 11,
      files: [],
    },
  },
  { name: 'fixed-addresses', facts: { results: ['EPERM'] } },
  { name: 'filter-games', facts: { mode: '2', off: 'refused', over: 'EPERM', afterwards: '-1' } },
];
