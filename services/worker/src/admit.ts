/** What a runner is given before a run: the start, and the artifact where it does not hold it. */
import type { runner } from '@runlane/contract';
import type { Digest, Limits, Prepared, Program, TracePlace } from '@runlane/core';
import type { WorkerContext } from './context.js';
import { prepareRequest, prepareWithinMs } from './prepare.js';
import { type AdmittedRun, RunnerError } from './runner-connection.js';
import type { Offer } from './runner-pool.js';

/** How long after a run's own limit its runner is given up, in milliseconds. */
const CALL_GRACE_MS = 5_000;

export interface Asked {
  readonly program: Program;
  readonly start: runner.Start;
  /** How long the call of the run may take in all, in milliseconds. */
  readonly timeoutMs: number;
  /** Where in a trace the runner puts what it does. */
  readonly trace: TracePlace | undefined;
}

/** Have the run admitted, giving the runner the artifact first where it does not hold it. */
export async function admit(
  context: WorkerContext,
  { member, language }: Offer,
  { program, start, timeoutMs, trace }: Asked,
): Promise<AdmittedRun> {
  const { connection, holds } = member;
  const signal = context.stopping;
  const give = async (): Promise<runner.Start> => {
    const artifactDigest = await giveArtifact(start.artifactDigest);
    holds.set(artifactDigest, true);
    return { ...start, artifactDigest };
  };
  /** The digest by which the runner has it now. */
  async function giveArtifact(digest: Digest): Promise<Digest> {
    const bytes = await context.artifacts.get(digest);
    if (bytes) {
      await connection.upload(digest, bytes, signal);
      return digest;
    }
    // It expired, was evicted, or its store lost it: the source is in the job, so it can be made again.
    const made = await connection.prepare(prepareRequest(program, language), prepareWithinMs(program), signal, trace);
    if (made.artifactDigest === '')
      throw new RunnerError('lost', 'what was compiled before could not be compiled again');
    // Another digest, where the compiler does not write the same bytes twice.
    return made.artifactDigest;
  }
  async function execute(held: runner.Start): Promise<AdmittedRun> {
    const askedAtMs = performance.now();
    const run = await connection.execute(held, timeoutMs, signal, trace);
    context.metrics.admitted(language.name, performance.now() - askedAtMs);
    return run;
  }
  await connection.reach();
  try {
    const held = holds.has(start.artifactDigest) ? start : await give();
    return await execute(held);
  } catch (error) {
    if (!(error instanceof RunnerError && error.failure === 'missing_artifact')) throw error;
    return execute(await give());
  }
}

/** How long the call of a run may take in all, in milliseconds. */
export function callMsOf({ limits }: Program, { language }: Offer): number {
  return (limits.wallTimeMs ?? language.defaultLimits?.wallTimeMs ?? 10_000) + CALL_GRACE_MS;
}

export function toStart(program: Program, { language }: Offer, { artifactDigest }: Prepared): runner.Start {
  return {
    language: language.name,
    version: language.version,
    artifactDigest,
    entry: program.entry,
    args: [...program.args],
    env: { ...program.env },
    limits: toLimits(program.limits, language.defaultLimits),
    stdin: Buffer.from(program.stdin),
    keepStdinOpen: program.interactive !== undefined,
    terminal: program.interactive?.terminal,
    files: Buffer.alloc(0),
  };
}

function toLimits(limits: Limits, defaults: runner.RunnerLanguage['defaultLimits']): runner.Start['limits'] {
  const { compile: _, ...run } = { ...defaults, ...limits };
  return { ...run, compile: undefined };
}
