/** What a runner is asked to make of a program's sources, the first time and where what it made is kept no more. */
import type { runner } from '@runlane/contract';
import type { Program } from '@runlane/core';
import { bundleOf } from './program-bundle.js';

/** Longest that preparing may take, in milliseconds, beyond the compiler's own limit. */
const GRACE_MS = 5_000;
const DEFAULT_COMPILE_MS = 30_000;

/** Of a job's own program, or of the checker that judges it. */
export type Sources = Pick<Program, 'entry' | 'files' | 'limits'>;

export function prepareRequest(
  { entry, files, limits }: Sources,
  { name, version }: Pick<runner.RunnerLanguage, 'name' | 'version'>,
): runner.PrepareRequest {
  return { language: name, version, entry, bundle: Buffer.from(bundleOf(files)), limits: limits.compile };
}

/** When a runner that still prepares is given up, in milliseconds. */
export function prepareWithinMs({ limits }: Sources): number {
  return (limits.compile?.wallTimeMs ?? DEFAULT_COMPILE_MS) + GRACE_MS;
}
