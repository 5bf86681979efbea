/** Tells now and then that this worker is there, and how it fares: for the status page, nothing depends on it. */
import type { Log, WorkerRecords } from '@runlane/core';
import type { Metrics } from './metrics.js';
import type { RunnerPool } from './runner-pool.js';

const TELL_EVERY_MS = 5_000;

export interface PresenceOptions {
  readonly workerId: string;
  readonly workers: WorkerRecords;
  readonly metrics: Metrics;
  readonly pool: RunnerPool;
  readonly log: Log;
}

export function createPresence({ workerId, workers, metrics, pool, log }: PresenceOptions) {
  const startedAtMs = Date.now();

  async function tell(): Promise<void> {
    const { total, used } = pool.slots();
    const ended = await metrics.endedByStatus();
    await workers.put(workerId, { startedAtMs, seenAtMs: Date.now(), slots: { total, used }, ended });
  }

  const tellIfPossible = () =>
    void tell().catch((error) => log.debug({ reason: error.message }, 'this worker is not recorded just now'));
  const telling = setInterval(tellIfPossible, TELL_EVERY_MS).unref();
  void pool.ready.then(tellIfPossible);

  return {
    async leave(): Promise<void> {
      clearInterval(telling);
      await workers.remove(workerId).catch(() => undefined);
    },
  };
}
