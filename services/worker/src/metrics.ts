/** What a worker counts and measures, in Prometheus' form. */
import type { DeliveryEnd, Verdict } from '@runlane/contract';
import type { FinalStatus, JobId, JobQueue, Latencies, QueuedStage, Stage } from '@runlane/core';
import { acceptedAtMsOf, ageSeconds, DURATION_BUCKETS_SECONDS, QUEUED_STAGES } from '@runlane/core';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { RunnerFailure } from './runner-connection.js';

export interface Metrics {
  /** A program was told to start. */
  started(language: string): void;
  ended(language: string, status: FinalStatus): void;
  /** A case of a judged job has its verdict. */
  judged(language: string, verdict: Verdict): void;
  /** A job is worked on that had waited so long for this stage, in milliseconds. */
  waited(stage: Stage, waitedMs: number): void;
  /** A runner had a sandbox ready, after so long, in milliseconds. */
  admitted(language: string, tookMs: number): void;
  /** Another attempt at a stage began, after one before. */
  retried(stage: Stage): void;
  /** The lease of an attempt ran out: of another's, which was `taken_over`, or one of our own, which was `given_up`. */
  leaseLost(stage: Stage, how: 'taken_over' | 'given_up'): void;
  runnerFailed(failure: RunnerFailure): void;
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
  readonly queue: Pick<JobQueue, 'depth' | 'oldest'>;
  slots(): { total: number; used: number; runners: number };
}

export function createMetrics({ queue, slots, latencies }: Measured): Metrics {
  const depthOf = (stage: QueuedStage) => queue.depth(stage).catch(() => ({ waiting: Number.NaN, putOff: Number.NaN }));
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
    buckets: DURATION_BUCKETS_SECONDS,
    registers,
  });
  new Gauge({
    name: 'runlane_queue_depth',
    help: 'Deliveries that wait for a worker.',
    labelNames: ['stage'],
    registers,
    async collect() {
      for (const stage of QUEUED_STAGES) this.set({ stage }, (await depthOf(stage)).waiting);
    },
  });
  new Gauge({
    name: 'runlane_queue_put_off',
    help: 'Deliveries that wait for their time: what starts later, and what is tried again.',
    labelNames: ['stage'],
    registers,
    async collect() {
      for (const stage of QUEUED_STAGES) this.set({ stage }, (await depthOf(stage)).putOff);
    },
  });
  new Gauge({
    name: 'runlane_queue_age_seconds',
    help: 'How long ago the oldest job that waits here was accepted; 0 where none waits.',
    labelNames: ['stage'],
    registers,
    async collect() {
      const ageOf = (id: JobId | undefined) => ageSeconds(id === undefined ? undefined : acceptedAtMsOf(id));
      for (const stage of QUEUED_STAGES) this.set({ stage }, await queue.oldest(stage).then(ageOf, () => Number.NaN));
    },
  });
  const waited = new Histogram({
    name: 'runlane_queue_wait_seconds',
    help: 'How long jobs that this worker works on had waited for that: in the queue, and for a slot.',
    labelNames: ['stage'],
    buckets: [...DURATION_BUCKETS_SECONDS, 600, 3_600],
    registers,
  });
  const admitted = new Histogram({
    name: 'runlane_sandbox_start_seconds',
    help: 'Time until a runner had a sandbox ready for a run.',
    labelNames: ['language'],
    buckets: DURATION_BUCKETS_SECONDS,
    registers,
  });
  const judged = new Counter({
    name: 'runlane_case_verdicts_total',
    help: 'Cases of judged jobs, by their verdict; those that are judged again count again.',
    labelNames: ['language', 'verdict'],
    registers,
  });
  const retried = new Counter({
    name: 'runlane_retries_total',
    help: 'Attempts that this worker began after another one at the same stage of the same job.',
    labelNames: ['stage'],
    registers,
  });
  const leasesLost = new Counter({
    name: 'runlane_leases_lost_total',
    help: "Leases that ran out: another's that this worker took over, and its own that it gave up.",
    labelNames: ['stage', 'how'],
    registers,
  });
  const runnerFailures = new Counter({
    name: 'runlane_runner_failures_total',
    help: 'What runners did not do as asked.',
    labelNames: ['failure'],
    registers,
  });
  new Gauge({
    name: 'runlane_runners',
    help: 'Runners that this worker is connected to.',
    registers,
    collect() {
      this.set(slots().runners);
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
    judged: (language, verdict) => judged.inc({ language, verdict }),
    waited: (stage, waitedMs) => waited.observe({ stage }, Math.max(waitedMs, 0) / 1_000),
    admitted: (language, tookMs) => admitted.observe({ language }, tookMs / 1_000),
    retried: (stage) => retried.inc({ stage }),
    leaseLost: (stage, how) => leasesLost.inc({ stage, how }),
    runnerFailed: (failure) => runnerFailures.inc({ failure }),
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
