/** Workers as they last told of themselves: for whoever looks after them. No job depends on it. */
import type { FactStore } from './facts.js';
import type { FinalStatus } from './job.js';

/** A projection, not a decision: a worker overwrites its own. */
export interface WorkerRecord {
  readonly startedAtMs: number;
  readonly seenAtMs: number;
  /** Of the runners that it is connected to, and those of them that it uses. */
  readonly slots: { readonly total: number; readonly used: number };
  /** Jobs that it has ended since it started, by how they ended. */
  readonly ended: Readonly<Partial<Record<FinalStatus, number>>>;
}

export interface WorkerRecords {
  put(workerId: string, record: WorkerRecord): Promise<void>;
  /** It stops in good order, and is no longer to be looked for. */
  remove(workerId: string): Promise<void>;
  /** By id; those that have not been seen for long are forgotten. */
  all(): Promise<(WorkerRecord & { readonly id: string })[]>;
}

/** How long a worker that went without a word is told of, in milliseconds. */
const FORGET_WORKER_MS = 10 * 60_000;
const MOST_WORKERS = 1_000;

export function createWorkerRecords(facts: FactStore): WorkerRecords {
  return {
    put: (id, document) => facts.put({ kind: 'workers', id, document }),
    remove: (id) => facts.remove('workers', id),
    async all() {
      const all = await facts.scan('workers', { limit: MOST_WORKERS });
      const isGone = (record: WorkerRecord) => Date.now() - record.seenAtMs > FORGET_WORKER_MS;
      for (const { id, document } of all) if (isGone(document)) await facts.remove('workers', id);
      return all.flatMap(({ id, document }) => (isGone(document) ? [] : [{ id, ...document }]));
    },
  };
}
