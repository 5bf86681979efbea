/** Spans by OpenTelemetry's SDK, sent to a collector by OTLP over HTTP. Loaded only where there is one: `open-tracing.ts`. */
import {
  type Attributes,
  type Context,
  DiagLogLevel,
  diag,
  isSpanContextValid,
  type Span as OtelSpan,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  RandomIdGenerator,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { within } from '../deadline.js';
import type { Log } from '../log.js';
import type { PastSpan, Span, SpanOptions, TracePlace, Tracer } from './tracing.js';

export interface OtelOptions {
  /** What the spans are said to come from, where the environment does not say otherwise. */
  readonly serviceName: string;
  readonly sampler: 'parentbased_always_on' | 'parentbased_always_off' | 'parentbased_traceidratio';
  /** Of traces that begin here, the part that is kept, with the third of them. */
  readonly ratio: number;
  readonly log: Log;
}

export interface OtelTracer extends Tracer {
  /** Send what is left. */
  close(): Promise<void>;
}

/** Short, as what a killed process had not sent is lost; in milliseconds. */
const SEND_EVERY_MS = 1_000;
/** What waits to be sent. Where a collector does not take it, the rest is dropped, and jobs go on. */
const MOST_WAITING = 8_192;
/** Longest that a stop waits for a collector that does not answer, in milliseconds. */
const CLOSE_MS = 2_000;
/** How often it is logged that a collector does not take spans, in milliseconds. */
const COMPLAIN_EVERY_MS = 60_000;

const KINDS = { server: SpanKind.SERVER, client: SpanKind.CLIENT, consumer: SpanKind.CONSUMER };

/** Where to send, and with which headers, the exporter reads from the environment itself, by the names of OpenTelemetry. */
export function createOtelTracer({ serviceName, sampler, ratio, log }: OtelOptions): OtelTracer {
  const complain = createComplaint(log);
  const ids = createIds();
  const named = resourceFromAttributes({ 'service.name': serviceName });
  const provider = new TracerProvider({
    resource: defaultResource()
      .merge(named)
      .merge(detectResources({ detectors: [envDetector] })),
    sampler: new ParentBasedSampler({ root: rootSampler(sampler, ratio) }),
    idGenerator: ids.generator,
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter(),
        scheduledDelayMillis: SEND_EVERY_MS,
        maxQueueSize: MOST_WAITING,
      }),
    ],
  });
  const tracer = provider.getTracer('runlane');

  function begin(name: string, parent: TracePlace | undefined, options: SpanOptions, startTime?: number): OtelSpan {
    const { kind, attributes } = options;
    return tracer.startSpan(
      name,
      {
        kind: kind ? KINDS[kind] : SpanKind.INTERNAL,
        ...(attributes && { attributes: attributes as Attributes }),
        ...(startTime !== undefined && { startTime }),
      },
      contextOf(parent),
    );
  }

  return {
    start: (name, parent, options) => toSpan(begin(name, parent, options)),
    tell(name, parent, { startedAtMs, endedAtMs, place, failure, ...options }: PastSpan) {
      const span = ids.withSpanId(place && partsOf(place)?.spanId, () => begin(name, parent, options, startedAtMs));
      if (failure !== undefined) failSpan(span, failure);
      span.end(Math.max(endedAtMs, startedAtMs));
    },
    close: () => within(CLOSE_MS, provider.shutdown()).catch((error: Error) => complain(error.message)),
  };
}

function toSpan(span: OtelSpan): Span {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return {
    place: `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`,
    tell: (attributes) => void span.setAttributes(attributes as Attributes),
    fail: (reason) => failSpan(span, reason),
    end: () => span.end(),
  };
}

function failSpan(span: OtelSpan, reason: string): void {
  span.setStatus({ code: SpanStatusCode.ERROR });
  span.setAttribute('error.type', reason);
}

/** A later version may have more at its end. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;

function partsOf(place: TracePlace) {
  const [, traceId = '', spanId = '', flags = ''] = TRACEPARENT.exec(place) ?? [];
  const parts = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
  return isSpanContextValid(parts) ? parts : undefined;
}

function contextOf(parent: TracePlace | undefined): Context {
  const parts = parent === undefined ? undefined : partsOf(parent);
  return parts ? trace.setSpanContext(ROOT_CONTEXT, parts) : ROOT_CONTEXT;
}

function rootSampler(name: OtelOptions['sampler'], ratio: number): Sampler {
  if (name === 'parentbased_always_off') return new AlwaysOffSampler();
  return name === 'parentbased_traceidratio' ? new TraceIdRatioBasedSampler(ratio) : new AlwaysOnSampler();
}

/** Ids at random, but for a span whose id was given away before it could be told of. */
function createIds() {
  const random = new RandomIdGenerator();
  let next: string | undefined;
  return {
    generator: {
      generateTraceId: () => random.generateTraceId(),
      generateSpanId: () => next ?? random.generateSpanId(),
    },
    withSpanId<T>(spanId: string | undefined, make: () => T): T {
      next = spanId;
      try {
        return make();
      } finally {
        next = undefined;
      }
    },
  };
}

/** Of a collector that is away, each sending would say so. */
function createComplaint(log: Log): (reason: string) => void {
  let saidAtMs = Number.NEGATIVE_INFINITY;
  const say = (reason: string) => {
    if (performance.now() - saidAtMs < COMPLAIN_EVERY_MS) return;
    saidAtMs = performance.now();
    log.warn({ reason: reason.slice(0, 200) }, 'traces are not delivered');
  };
  const silent = () => {};
  diag.setLogger(
    { error: say, warn: say, info: silent, debug: silent, verbose: silent },
    {
      logLevel: DiagLogLevel.WARN,
      suppressOverrideMessage: true,
    },
  );
  return say;
}
