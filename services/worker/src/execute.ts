/** The stage `code-exec`: get a slot, claim the job, run it, pass its output on, store how it ended. */
import { runner } from '@runlane/contract';
import {
  type FinalStatus,
  type Job,
  type JobId,
  type Limits,
  type Result,
  resultWithoutRun,
  type Saved,
  tellMoment,
} from '@runlane/core';
import {
  brokenOff,
  claimStage,
  endJob,
  endWithoutRun,
  type Outcome,
  retryLater,
  throughOutages,
  withLease,
} from './claimed.js';
import type { WorkerContext } from './context.js';
import { createFeedWriter, type FeedWriter } from './feed-writer.js';
import { createProducedFiles, keepFiles, type ProducedFiles } from './produced-files.js';
import { bundleOf } from './program-bundle.js';
import { type AdmittedRun, RunnerError } from './runner-connection.js';
import type { Slot } from './runner-pool.js';

/** How long after a run's own limit its runner is given up, in milliseconds. */
const CALL_GRACE_MS = 5_000;
/** How soon a runner must have ended a cancelled run, in milliseconds. */
const KILL_WITHIN_MS = 2_000;
const ABSOLUTE_OUTPUT_BYTES = 4 * 1024 * 1024;
/** What a count of the contract (uint32) holds: a runner that lies must not make a result that cannot be told. */
const LARGEST_COUNT = 0xffff_ffff;

const STATUS_OF_REASON: Partial<Record<runner.EndReason, FinalStatus>> = {
  [runner.EndReason.WALL_TIME]: 'timed_out',
  [runner.EndReason.CPU_TIME]: 'timed_out',
  [runner.EndReason.MEMORY]: 'memory_exceeded',
  [runner.EndReason.OUTPUT]: 'output_exceeded',
};

const MESSAGE_OF_REASON: Partial<Record<runner.EndReason, string>> = {
  [runner.EndReason.WALL_TIME]: 'the wall-clock time limit was reached',
  [runner.EndReason.CPU_TIME]: 'the processor time limit was reached',
  [runner.EndReason.MEMORY]: 'the memory limit was reached',
  [runner.EndReason.OUTPUT]: 'the output limit was reached',
};

export function createExecute(context: WorkerContext) {
  const { store, queue, pool, log, draining } = context;

  return async function execute(id: JobId): Promise<Outcome> {
    tellMoment(id, 'delivered');
    const [job, saved] = await Promise.all([store.job(id), store.saved(id)]);
    if (!job) return 'skipped';
    if (!saved) {
      await queue.add('save', id);
      return 'skipped';
    }
    for (;;) {
      const slot = await pool.acquire(job.program.language, saved.version ?? job.program.version, draining);
      if (!slot) return 'skipped';
      let busy: 'busy' | undefined;
      try {
        return await attemptOn(context, slot, job, saved);
      } catch (error) {
        // Nothing was started and no attempt is counted: another slot may be free.
        if (!(error instanceof RunnerError && error.failure === 'busy')) {
          if (error instanceof RunnerError || draining.aborted) {
            log.warn({ jobId: id, reason: (error as Error).message }, 'not admitted; left for later');
            return 'skipped';
          }
          throw error;
        }
        busy = 'busy';
      } finally {
        slot.release(busy);
      }
    }
  };
}

/** One attempt on one runner. @throws RunnerError `busy` or `away`: it did not take the run, and nothing is counted. */
async function attemptOn(context: WorkerContext, slot: Slot, job: Job, saved: Saved): Promise<Outcome> {
  const { id, program } = job;
  const start = toStart(job, slot, saved);
  const wallTimeMs = program.limits.wallTimeMs ?? slot.language.defaultLimits?.wallTimeMs ?? 10_000;
  let run: AdmittedRun;
  try {
    run = await admit(context, slot, job, start, wallTimeMs + CALL_GRACE_MS);
    tellMoment(id, 'admitted');
  } catch (error) {
    return await notAdmitted(context, job, error);
  }
  try {
    const claim = await claimStage(context, job, 'exec');
    if (!claim) return 'skipped';
    tellMoment(id, 'claimed');
    const events = createFeedWriter(context.feed, id, claim.attempt, context.log);
    const putFile = (bytes: Uint8Array) =>
      throughOutages(context, id, () => context.artifacts.put(bytes, { durable: true }));
    return await withLease(context, claim, async (signal) => {
      const stop = () => (signal.reason === 'cancelled' ? endSoon(run) : run.cancel());
      signal.addEventListener('abort', stop, { once: true });
      const collected = createCollector(start.limits);
      try {
        signal.throwIfAborted();
        events.status('running');
        run.go();
        context.metrics.started(program.language);
        const ran = await follow(id, run, collected, events);
        // Before the result that names them: who reads it finds them.
        const result = { ...ran, ...(await keepFiles(collected.produced, putFile)) };
        // What a cancelled run took until then is known as well as any other's.
        await endJob(context, job, claim.attempt, signal.reason === 'cancelled' ? asCancelled(result) : result);
        tellMoment(id, 'finished');
        await events.end();
        return 'done';
      } catch (error) {
        if (signal.reason === 'cancelled') {
          await endJob(context, job, claim.attempt, { ...resultWithoutRun('cancelled'), ...collected.output() });
          await events.end();
          return 'done';
        }
        const reason = signal.aborted ? signal.reason : (error as Error).message;
        context.log.warn({ jobId: id, attempt: claim.attempt, reason }, 'attempt broke off');
        return brokenOff(signal);
      }
    });
  } finally {
    run.cancel();
  }
}

/** What becomes of a run that its runner did not admit. @throws what it was given where no runner took the run. */
async function notAdmitted(context: WorkerContext, job: Job, error: unknown): Promise<Outcome> {
  if (!(error instanceof RunnerError) || error.failure === 'busy' || error.failure === 'away') throw error;
  if (error.failure === 'refused') {
    await endWithoutRun(context, job, resultWithoutRun('error', { message: `the runner refused: ${error.message}` }));
    return 'done';
  }
  // Counted, though nothing ran: a job that no runner can begin would be tried for ever.
  const claim = await claimStage(context, job, 'exec');
  if (!claim) return 'skipped';
  context.log.warn({ jobId: job.id, attempt: claim.attempt, reason: error.message }, 'not admitted');
  await retryLater(context, claim);
  return 'failed';
}

/** Kill the program, and if the runner does not say soon that it is dead, break off the call. */
function endSoon(run: AdmittedRun): void {
  run.kill();
  setTimeout(run.cancel, KILL_WITHIN_MS).unref();
}

function asCancelled({ message: _, ...result }: Result): Result {
  return { ...result, status: 'cancelled' };
}

/** Have the run admitted, giving the runner the artifact first where it does not hold it. */
async function admit(
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

function toStart({ program }: Job, { language }: Slot, { artifactDigest }: Saved): runner.Start {
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

/** Pass a run's events on until it has ended. */
async function follow(id: JobId, run: AdmittedRun, collected: Collector, events: FeedWriter): Promise<Result> {
  for await (const event of run.events) {
    if (event.type === 'started') tellMoment(id, 'started');
    else if (event.type === 'output') {
      const kept = collected.add(event.stream, event.data);
      if (kept.length > 0) await events.output(event.stream, kept);
    } else if (event.type === 'file') collected.produced.add(event.path, event.data);
    else if (event.type === 'exited') {
      tellMoment(id, 'exited');
      return toResult(event.exited, collected);
    }
  }
  throw new RunnerError('lost', 'the runner broke off');
}

function toResult(exited: runner.Exited, collected: Collector): Result {
  const { reason, exitCode, signal } = exited;
  const message = MESSAGE_OF_REASON[reason];
  const { stdout, stderr, stdoutTruncated, stderrTruncated } = collected.output();
  const filesOmitted = Math.min(exited.filesOmitted + collected.produced.omitted(), LARGEST_COUNT);
  return {
    status: STATUS_OF_REASON[reason] ?? (exitCode === 0 ? 'succeeded' : 'failed'),
    exitCode: exitCode ?? null,
    signal: signal ?? null,
    stdout,
    stderr,
    stdoutTruncated: exited.stdoutTruncated || stdoutTruncated,
    stderrTruncated: exited.stderrTruncated || stderrTruncated,
    wallTimeMs: exited.wallTimeMs,
    cpuTimeMs: exited.cpuTimeMs,
    memoryPeakBytes: exited.memoryPeakBytes,
    isolation: exited.isolation,
    ...(message && { message }),
    ...(filesOmitted > 0 && { filesOmitted }),
  };
}

interface Collector {
  /** What of it is kept. */
  add(stream: 'stdout' | 'stderr', data: Uint8Array): Uint8Array;
  output(): Pick<Result, 'stdout' | 'stderr' | 'stdoutTruncated' | 'stderrTruncated'>;
  readonly produced: ProducedFiles;
}

/** Keeps the first bytes of each stream. The runner counts as well; a worker does not trust it to. */
function createCollector(limits: runner.Start['limits']): Collector {
  const limit = Math.min(limits?.outputBytes ?? ABSOLUTE_OUTPUT_BYTES, ABSOLUTE_OUTPUT_BYTES);
  const streams = {
    stdout: { chunks: [] as Uint8Array[], bytes: 0, truncated: false },
    stderr: { chunks: [] as Uint8Array[], bytes: 0, truncated: false },
  };
  return {
    produced: createProducedFiles(limits ?? {}),
    add(name, data) {
      const stream = streams[name];
      const kept = data.subarray(0, limit - stream.bytes);
      if (kept.length > 0) stream.chunks.push(kept);
      stream.bytes += kept.length;
      stream.truncated ||= kept.length < data.length;
      return kept;
    },
    output: () => ({
      stdout: Buffer.concat(streams.stdout.chunks),
      stderr: Buffer.concat(streams.stderr.chunks),
      stdoutTruncated: streams.stdout.truncated,
      stderrTruncated: streams.stderr.truncated,
    }),
  };
}
