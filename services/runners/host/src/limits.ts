/** What a run may use: the defaults, the maxima, and a request's own limits between them. */
import { MINIMUM_LIMITS, type types } from '@runlane/contract';
import type { RunLimits } from './sandbox/sandbox.js';

const MIB = 1024 * 1024;

export const DEFAULT_LIMITS: RunLimits = {
  wallTimeMs: 10_000,
  cpuTimeMs: 10_000,
  memoryBytes: 256 * MIB,
  outputBytes: MIB,
  processes: 64,
  openFiles: 256,
  fileBytes: 64 * MIB,
  diskBytes: 64 * MIB,
  inodes: 4096,
  producedFiles: 64,
  producedBytes: 8 * MIB,
};

export const MAXIMUM_LIMITS: RunLimits = {
  wallTimeMs: 60_000,
  cpuTimeMs: 60_000,
  memoryBytes: 1024 * MIB,
  // Both streams together fit into one message of gRPC, whose default is 4 MiB.
  outputBytes: 1.5 * MIB,
  processes: 256,
  openFiles: 1024,
  fileBytes: 256 * MIB,
  diskBytes: 256 * MIB,
  inodes: 65_536,
  producedFiles: 256,
  producedBytes: 32 * MIB,
};

/** Of compiling, which a manifest may raise or lower; what a client may set of them is in `CompileLimits`. */
export const COMPILE_LIMITS: RunLimits = {
  wallTimeMs: 30_000,
  cpuTimeMs: 60_000,
  memoryBytes: 1024 * MIB,
  outputBytes: 64 * 1024,
  processes: 256,
  openFiles: 1024,
  fileBytes: 256 * MIB,
  diskBytes: 256 * MIB,
  inodes: 65_536,
  producedFiles: 1024,
  producedBytes: 60 * MIB,
};

/** Of making what a toolchain needs once: our own commands, but in the sandbox like everything. */
export const SETUP_LIMITS: RunLimits = {
  ...COMPILE_LIMITS,
  wallTimeMs: 300_000,
  cpuTimeMs: 600_000,
  memoryBytes: 2048 * MIB,
  diskBytes: 1024 * MIB,
  producedFiles: 20_000,
  producedBytes: 512 * MIB,
};

const minima: Partial<RunLimits> = MINIMUM_LIMITS;

export const LIMIT_NAMES = Object.keys(DEFAULT_LIMITS) as (keyof RunLimits)[];

export interface LimitBounds {
  readonly defaults: RunLimits;
  readonly maxima: RunLimits;
}

/** Every limit of compiling: a client may lower those of a language, and no others. */
export function resolveCompileLimits(
  asked: types.CompileLimits | undefined,
  most: RunLimits,
  problems: string[],
): RunLimits {
  return resolveLimits({ ...asked }, { defaults: most, maxima: most }, problems);
}

/** Every limit of a run; what is wrong with the request's own goes to `problems`, by field. */
export function resolveLimits(
  asked: Partial<types.Limits> | undefined,
  { defaults, maxima }: LimitBounds,
  problems: string[],
): RunLimits {
  const limits: { -readonly [name in keyof RunLimits]: number } = { ...defaults };
  for (const name of LIMIT_NAMES) {
    const value = asked?.[name];
    if (value === undefined) continue;
    const least = minima[name] ?? 1;
    if (!Number.isSafeInteger(value) || value < least || value > maxima[name]) {
      problems.push(`limits.${name} must be from ${least} to ${maxima[name]}`);
    }
    limits[name] = value;
  }
  return limits;
}
