/** What a driver does not hold, and why: known, said in docs/threat-model.md, and run all the same so that this list stays true. */
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

const OPEN_FILES =
  'measuring processes does not see what the kernel holds for their open files, and only their number is limited';

export const EXCEPTIONS: readonly Exception[] = [
  {
    attack: 'locks-on-shared-files',
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
    drivers: ['jail, by an ordinary user'],
    why: "the kernel counts descriptors that are under way by user of the host, and all of an ordinary user's runs are that user",
  },
];

export function exceptionOf(attack: string, driver: string, description: SandboxDescription): Exception | undefined {
  return EXCEPTIONS.find(
    (one) => one.attack === attack && (one.drivers?.includes(driver) ?? true) && (one.here?.(description) ?? true),
  );
}
