/** What the server tells of itself at `/admin/status`, and what follows from two looks at it. */
import type { PlatformStatusJson as PlatformStatus } from '@runlane/contract';

export type { PlatformStatus };

export type WorkerStatus = PlatformStatus['workers'][number];

/** Jobs that ended between two looks, per second. */
export interface Rate {
  readonly atMs: number;
  readonly ended: number;
  /** Those that the platform could not run. */
  readonly errors: number;
}

const sum = (counts: Iterable<number>) => [...counts].reduce((total, count) => total + count, 0);

/** A worker's count begins anew with it, so what a new one has ended counts as a whole. Undefined where no time has passed. */
export function rateBetween(before: PlatformStatus, now: PlatformStatus): Rate | undefined {
  const seconds = (Date.parse(now.now) - Date.parse(before.now)) / 1_000;
  if (seconds <= 0) return undefined;
  const earlier = new Map(before.workers.map((worker) => [worker.id, worker.ended]));
  const grown = (count: (ended: WorkerStatus['ended']) => number) =>
    sum(now.workers.map(({ id, ended }) => Math.max(0, count(ended) - count(earlier.get(id) ?? {})))) / seconds;
  return {
    atMs: Date.parse(now.now),
    ended: grown((ended) => sum(Object.values(ended))),
    errors: grown((ended) => ended.error ?? 0),
  };
}

/** All workers together. */
export function endedByStatus(workers: readonly WorkerStatus[]): [status: string, count: number][] {
  const counts = new Map<string, number>();
  for (const { ended } of workers)
    for (const [status, count] of Object.entries(ended)) counts.set(status, (counts.get(status) ?? 0) + count);
  return [...counts].toSorted(([, a], [, b]) => b - a);
}
