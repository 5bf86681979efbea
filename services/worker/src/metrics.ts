/** What a worker counts and measures, in Prometheus' form. */
import type { FinalStatus, Stage } from '@runlane/core';
import { STAGES } from '@runlane/core';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export interface Metrics {
  /** A program was told to start. */
  started(language: string): void;
  ended(language: string, status: FinalStatus): void;
  /** Jobs that were ended so far, by how they ended. */
  endedByStatus(): Promise<Partial<Record<FinalStatus, number>>>;
  /** How a stage of a job went for this worker, and how long it took, in milliseconds. */
  handled(stage: Stage, outcome: 'done' | 'skipped' | 'failed' | 'handed_back', durationMs: number): void;
  text(): Promise<string>;
  readonly contentType: string;
}

export interface Gauges {
  depth(stage: Stage): Promise<number>;
  slots(): { total: number; used: number; runners: number };
}

export function createMetrics({ depth, slots }: Gauges): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const started = new Counter({
    name: 'runlane_runs_started_total',
    help: 'Programs that this worker had a runner start.',
    labelNames: ['language'],
    registers,
  });
  const ended = new Counter({
    name: 'runlane_jobs_ended_total',
    help: 'Jobs that this worker ended.',
    labelNames: ['language', 'status'],
    registers,
  });
  const handled = new Histogram({
    name: 'runlane_stage_duration_seconds',
    help: 'Time from a delivery to its end.',
    labelNames: ['stage', 'outcome'],
    buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5, 10, 60],
    registers,
  });
  new Gauge({
    name: 'runlane_queue_depth',
    help: 'Deliveries that wait.',
    labelNames: ['stage'],
    registers,
    async collect() {
      for (const stage of STAGES) this.set({ stage }, await depth(stage).catch(() => Number.NaN));
    },
  });
  new Gauge({
    name: 'runlane_runner_slots',
    help: 'Slots of the runners connected, and those that this worker uses.',
    labelNames: ['kind'],
    registers,
    collect() {
      const { total, used } = slots();
      this.set({ kind: 'total' }, total);
      this.set({ kind: 'used' }, used);
    },
  });
  return {
    started: (language) => started.inc({ language }),
    ended: (language, status) => ended.inc({ language, status }),
    async endedByStatus() {
      const counts: Partial<Record<FinalStatus, number>> = {};
      for (const { labels, value } of (await ended.get()).values) {
        const status = labels.status as FinalStatus;
        counts[status] = (counts[status] ?? 0) + value;
      }
      return counts;
    },
    handled: (stage, outcome, durationMs) => handled.observe({ stage, outcome }, durationMs / 1_000),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}
