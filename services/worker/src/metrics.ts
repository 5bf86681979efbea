/** What a worker counts and measures, in Prometheus' form. */
import type { DeliveryEnd } from '@runlane/contract';
import type { FinalStatus, Latencies, QueuedStage } from '@runlane/core';
import { QUEUED_STAGES } from '@runlane/core';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export interface Metrics {
  /** A program was told to start. */
  started(language: string): void;
  ended(language: string, status: FinalStatus): void;
  /** Jobs that were ended so far, by how they ended. */
  endedByStatus(): Promise<Partial<Record<FinalStatus, number>>>;
  /** How a stage of a job went for this worker, and how long it took, in milliseconds. */
  handled(stage: QueuedStage, outcome: 'done' | 'skipped' | 'failed' | 'handed_back', durationMs: number): void;
  /** A callback was called: the class of its status, such as `2xx`, or why it did not answer. */
  called(outcome: string): void;
  /** A callback is called no more. */
  told(outcome: DeliveryEnd): void;
  /** Show how many callbacks are being called. */
  callsUnderWay(count: () => number): void;
  text(): Promise<string>;
  readonly contentType: string;
}

export interface Measured {
  readonly latencies: Latencies;
  depth(stage: QueuedStage): Promise<number>;
  slots(): { total: number; used: number; runners: number };
}

export function createMetrics({ depth, slots, latencies }: Measured): Metrics {
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
      for (const stage of QUEUED_STAGES) this.set({ stage }, await depth(stage).catch(() => Number.NaN));
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
  const called = new Counter({
    name: 'runlane_callback_calls_total',
    help: 'Calls of callbacks that this worker made, by the class of the status, or by why there was none.',
    labelNames: ['outcome'],
    registers,
  });
  const told = new Counter({
    name: 'runlane_callbacks_ended_total',
    help: 'Callbacks that this worker calls no more.',
    labelNames: ['outcome'],
    registers,
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
    called: (outcome) => called.inc({ outcome }),
    told: (outcome) => told.inc({ outcome }),
    callsUnderWay(count) {
      new Gauge({
        name: 'runlane_callback_calls_under_way',
        help: 'Callbacks that are being called.',
        registers,
        collect() {
          this.set(count());
        },
      });
    },
    text: () => Registry.merge([registry, latencies.registry]).metrics(),
    contentType: registry.contentType,
  };
}
