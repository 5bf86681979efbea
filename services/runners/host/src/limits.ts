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
};

const minima: Partial<RunLimits> = MINIMUM_LIMITS;

export const LIMIT_NAMES = Object.keys(DEFAULT_LIMITS) as (keyof RunLimits)[];

export interface LimitBounds {
  readonly defaults: RunLimits;
  readonly maxima: RunLimits;
}

/** Every limit of a run; what is wrong with the request's own goes to `problems`, by field. */
export function resolveLimits(
  asked: types.Limits | undefined,
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
