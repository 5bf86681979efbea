/** What command counts and measures, in Prometheus' form. */
import { ageSeconds, DURATION_BUCKETS_SECONDS, type InFlight, type JobStore, type Latencies } from '@runlane/core';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export interface Metrics {
  /** A request over HTTP was answered. `route` is its pattern, never its path: ids would make a series each. */
  requested(
    request: { readonly method: string; readonly route: string; readonly status: number },
    tookMs: number,
  ): void;
  /** A call over gRPC was answered. */
  called(method: string, code: string, tookMs: number): void;
  accepted(language: string): void;
  /** Somebody watches, until the function is called. */
  watching(): () => void;
  text(): Promise<string>;
  readonly contentType: string;
}

export interface MetricsOptions {
  readonly store: Pick<JobStore, 'inFlight' | 'inFlightCount'>;
  readonly latencies: Latencies;
}

export function createMetrics({ store, latencies }: MetricsOptions): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: 'runlane_http_request_duration_seconds',
    help: 'Time until a request over HTTP was answered whole; streams of events and WebSockets are left out.',
    labelNames: ['method', 'route', 'status'],
    buckets: DURATION_BUCKETS_SECONDS,
    registers,
  });
  const calls = new Histogram({
    name: 'runlane_grpc_call_duration_seconds',
    help: 'Time until a call over gRPC was answered whole; calls that stream are left out.',
    labelNames: ['method', 'code'],
    buckets: DURATION_BUCKETS_SECONDS,
    registers,
  });
  const accepted = new Counter({
    name: 'runlane_jobs_accepted_total',
    help: 'Jobs that this process accepted.',
    labelNames: ['language'],
    registers,
  });
  const watchers = new Gauge({
    name: 'runlane_watchers',
    help: 'Streams of events that are open here.',
    registers,
  });
  new Gauge({
    name: 'runlane_jobs_unfinished',
    help: 'Jobs without a result, of the whole platform.',
    registers,
    async collect() {
      this.set(await store.inFlightCount().catch(() => Number.NaN));
    },
  });
  new Gauge({
    name: 'runlane_oldest_job_age_seconds',
    help: 'How long ago the oldest job without a result was accepted, of the whole platform; 0 where there is none.',
    registers,
    async collect() {
      const age = ([oldest]: readonly InFlight[]) => ageSeconds(oldest?.createdAtMs);
      this.set(await store.inFlight(undefined, 1).then(age, () => Number.NaN));
    },
  });
  return {
    requested: ({ method, route, status }, tookMs) => requests.observe({ method, route, status }, tookMs / 1_000),
    called: (method, code, tookMs) => calls.observe({ method, code }, tookMs / 1_000),
    accepted: (language) => accepted.inc({ language }),
    watching() {
      watchers.inc();
      return () => watchers.dec();
    },
    text: () => Registry.merge([registry, latencies.registry]).metrics(),
    contentType: registry.contentType,
  };
}
