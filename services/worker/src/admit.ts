/** What a runner is given before a run: the start, and the artifact where it does not hold it. */
import type { runner } from '@runlane/contract';
import type { Job, Limits, Saved } from '@runlane/core';
import type { WorkerContext } from './context.js';
import { bundleOf } from './program-bundle.js';
import { type AdmittedRun, RunnerError } from './runner-connection.js';
import type { Slot } from './runner-pool.js';

/** Have the run admitted, giving the runner the artifact first where it does not hold it. */
export async function admit(
  context: WorkerContext,
  { member, language }: Slot,
  { program }: Job,
  start: runner.Start,
  timeoutMs: number,
): Promise<AdmittedRun> {
  const { connection, holds } = member;
  const signal = context.stopping;
  const give = async () => {
    const bytes = await context.artifacts.get(start.artifactDigest);
    if (bytes) await connection.upload(start.artifactDigest, bytes, signal);
    // It expired, or its store lost it: the source is in the job, so it can be made again.
    else await connection.prepare(prepareAgain(program, language), timeoutMs, signal);
    holds.set(start.artifactDigest, true);
  };
  await connection.reach();
  if (!holds.has(start.artifactDigest)) await give();
  try {
    return await connection.execute(start, timeoutMs, signal);
  } catch (error) {
    if (!(error instanceof RunnerError && error.failure === 'missing_artifact')) throw error;
    await give();
    return connection.execute(start, timeoutMs, signal);
  }
}

function prepareAgain(program: Job['program'], language: runner.RunnerLanguage): runner.PrepareRequest {
  const bundle = Buffer.from(bundleOf(program.files));
  return {
    language: language.name,
    version: language.version,
    entry: program.entry,
    bundle,
    limits: program.limits.compile,
  };
}

export function toStart({ program }: Job, { language }: Slot, { artifactDigest }: Saved): runner.Start {
  return {
    language: language.name,
    version: language.version,
    artifactDigest,
    entry: program.entry,
    args: [...program.args],
    env: { ...program.env },
    limits: toLimits(program.limits, language.defaultLimits),
    stdin: Buffer.from(program.stdin),
    keepStdinOpen: false,
  };
}

function toLimits(limits: Limits, defaults: runner.RunnerLanguage['defaultLimits']): runner.Start['limits'] {
  const { compile: _, ...run } = { ...defaults, ...limits };
  return { ...run, compile: undefined };
}
