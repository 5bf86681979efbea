/** Begins to trace where the environment names a collector; elsewhere nothing of OpenTelemetry is even loaded. */
import type { Closer } from '../closer.js';
import { readConfig } from '../config.js';
import type { Log } from '../log.js';
import { useTracer } from './tracing.js';

const TRACING_VARIABLES = [
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_SERVICE_NAME',
  'OTEL_TRACES_SAMPLER',
  'OTEL_TRACES_SAMPLER_ARG',
] as const;

/** @param service the name of this process: `runlane-command`, say, is where its spans are said to come from. */
export async function openTracing(
  service: string,
  env: NodeJS.ProcessEnv,
  { closer, log }: { readonly closer: Closer; readonly log: Log },
): Promise<void> {
  const config = readConfig(env, TRACING_VARIABLES);
  if (config.OTEL_EXPORTER_OTLP_ENDPOINT === undefined) return;
  const { createOtelTracer } = await import('./opentelemetry.js');
  const tracer = createOtelTracer({
    serviceName: config.OTEL_SERVICE_NAME ?? `runlane-${service}`,
    sampler: config.OTEL_TRACES_SAMPLER,
    ratio: config.OTEL_TRACES_SAMPLER_ARG,
    log,
  });
  useTracer(tracer);
  closer.add({ name: 'traces', close: () => tracer.close() });
}
