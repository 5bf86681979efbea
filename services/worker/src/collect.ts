/** What a run says, passed on as it comes and kept within its limits, and the result that it makes. */
import { runner } from '@runlane/contract';
import { type FinalStatus, type JobId, type Result, tellMoment } from '@runlane/core';
import type { FeedWriter } from './feed-writer.js';
import { createProducedFiles, type ProducedFiles } from './produced-files.js';
import { type AdmittedRun, RunnerError } from './runner-connection.js';

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

/** Pass a run's events on until it has ended. */
export async function follow(
  id: JobId,
  run: AdmittedRun,
  collected: Collector,
  events: Pick<FeedWriter, 'output'>,
): Promise<Result> {
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

export interface Collector {
  /** What of it is kept. */
  add(stream: 'stdout' | 'stderr', data: Uint8Array): Uint8Array;
  output(): Pick<Result, 'stdout' | 'stderr' | 'stdoutTruncated' | 'stderrTruncated'>;
  readonly produced: ProducedFiles;
}

/** Keeps the first bytes of each stream. The runner counts as well; a worker does not trust it to. */
export function createCollector(limits: runner.Start['limits']): Collector {
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
