/** How a run ended, in words. */
import type { Job, Status } from '@runlane/client';

type Tone = 'good' | 'bad' | 'neutral';

interface Words {
  readonly title: string;
  readonly tone: Tone;
}

const WORDS: Readonly<Record<Status, Words>> = {
  accepted: { title: 'Waiting', tone: 'neutral' },
  saving: { title: 'Preparing', tone: 'neutral' },
  queued: { title: 'Waiting for a free place', tone: 'neutral' },
  running: { title: 'Running', tone: 'neutral' },
  succeeded: { title: 'Finished', tone: 'good' },
  failed: { title: 'Failed', tone: 'bad' },
  timed_out: { title: 'Out of time', tone: 'bad' },
  memory_exceeded: { title: 'Out of memory', tone: 'bad' },
  output_exceeded: { title: 'Too much output', tone: 'bad' },
  compile_failed: { title: 'It does not compile', tone: 'bad' },
  cancelled: { title: 'Cancelled', tone: 'neutral' },
  error: { title: 'The server could not run it', tone: 'bad' },
};

/** A server may be newer than its page in a tab: a status that this one does not know is shown as it is. */
export function wordsFor(status: string): Words {
  return (WORDS as Readonly<Record<string, Words>>)[status] ?? { title: status, tone: 'neutral' };
}

export function formatMs(ms: number): string {
  if (ms < 1_000) return `${ms} ms`;
  return `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

export function formatBytes(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  const kibibytes = bytes / 1_024;
  if (kibibytes < 1_024) return `${kibibytes.toFixed(kibibytes < 10 ? 1 : 0)} KiB`;
  return `${(kibibytes / 1_024).toFixed(1)} MiB`;
}

/** The small print of a result, as names and values. */
export function factsOf({ status, result }: Job): [name: string, value: string][] {
  if (!result) return [];
  const { exitCode, signal, wallTimeMs, cpuTimeMs, memoryPeakBytes } = result;
  const how: [string, string][] = signal !== null ? [['Signal', signal]] : [];
  if (exitCode !== null) how.push(['Exit code', String(exitCode)]);
  // What never ran took nothing.
  if (status === 'compile_failed') return how;
  return [
    ...how,
    ['Time', formatMs(wallTimeMs)],
    ['CPU', formatMs(cpuTimeMs)],
    ['Memory', formatBytes(memoryPeakBytes)],
  ];
}
