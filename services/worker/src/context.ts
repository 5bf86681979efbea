/** What both stages of a worker work with. */
import type { ArtifactStore, JobFeed, JobQueue, JobStore, Log, Meters } from '@runlane/core';
import type { Metrics } from './metrics.js';
import type { RunnerPool } from './runner-pool.js';

export interface WorkerContext {
  /** Names this worker in its claims. */
  readonly workerId: string;
  readonly store: JobStore;
  readonly queue: JobQueue;
  readonly feed: JobFeed;
  readonly artifacts: ArtifactStore;
  readonly meters: Meters;
  readonly pool: RunnerPool;
  readonly metrics: Metrics;
  readonly log: Log;
  /** How long a claim holds without a heartbeat, in milliseconds. */
  readonly leaseMs: number;
  /** Aborts when nothing more is to be started. */
  readonly draining: AbortSignal;
  /** Aborts when what still runs is to be handed back. */
  readonly stopping: AbortSignal;
}
