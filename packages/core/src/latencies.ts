/** How long the servers behind the ports take to answer, in Prometheus' form: of a slow platform, the first thing to know. */
import { Histogram, Registry } from 'prom-client';

/** Of what clients, stages and runs take. */
export const DURATION_BUCKETS_SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5, 10, 60];

/** How long ago that was, in seconds; 0 where clocks differ, or where nothing was. */
export const ageSeconds = (atMs: number | undefined) =>
  atMs === undefined ? 0 : Math.max(Date.now() - atMs, 0) / 1_000;

/** From what memory answers to what is given up. */
const BUCKETS_SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5];

export interface Latencies {
  readonly registry: Registry;
  /** The same port, each of its calls measured. What it gives as a stream is not: that lasts as long as its reader likes. */
  timed<T extends object>(name: string, port: T): T;
}

export function createLatencies(): Latencies {
  const registry = new Registry();
  const duration = new Histogram({
    name: 'runlane_port_duration_seconds',
    help: 'Time until the store, the queue, the feed, the artifacts or the meters have answered a call.',
    labelNames: ['port', 'operation', 'outcome'],
    buckets: BUCKETS_SECONDS,
    registers: [registry],
  });

  function timed<T extends object>(name: string, port: T): T {
    const methods = Object.entries(port).map(([operation, method]) => [
      operation,
      typeof method === 'function' ? measured(name, operation, method as Method) : method,
    ]);
    return Object.fromEntries(methods);
  }

  function measured(port: string, operation: string, method: Method): Method {
    return (...args) => {
      const startMs = performance.now();
      const answer = method(...args);
      if (!(answer instanceof Promise)) return answer;
      const record = (outcome: string) =>
        duration.observe({ port, operation, outcome }, (performance.now() - startMs) / 1_000);
      answer.then(
        () => record('ok'),
        () => record('failed'),
      );
      return answer;
    };
  }

  return { registry, timed };
}

type Method = (...args: unknown[]) => unknown;
