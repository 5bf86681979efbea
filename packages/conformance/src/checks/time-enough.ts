/** Limits for a program whose speed is not what is checked: a slow language on a busy machine is no failure. */
import type { runner, types } from '@runlane/contract';

const ENOUGH_MS = 40_000;

export function timeEnough({ maximumLimits }: runner.RunnerLanguage): types.Limits {
  return {
    wallTimeMs: Math.min(ENOUGH_MS, maximumLimits?.wallTimeMs ?? ENOUGH_MS),
    cpuTimeMs: Math.min(ENOUGH_MS, maximumLimits?.cpuTimeMs ?? ENOUGH_MS),
  };
}
