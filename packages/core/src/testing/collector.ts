/** A collector of traces: an HTTP server that takes OTLP as JSON, and what is wrong with the traces that it was sent. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface CollectedSpan {
  readonly service: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Undefined for the first of a trace. */
  readonly parentSpanId: string | undefined;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly failed: boolean;
}

export interface Collector {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly endpoint: string;
  readonly spans: readonly CollectedSpan[];
  /** All that was sent, as it came. */
  readonly bodies: readonly string[];
  /** Headers of the last request. */
  readonly headers: Readonly<Record<string, unknown>>;
  stop(): Promise<void>;
}

interface OtlpValue {
  readonly stringValue?: string;
  readonly intValue?: number | string;
  readonly doubleValue?: number;
  readonly boolValue?: boolean;
}
type OtlpAttributes = readonly { readonly key: string; readonly value: OtlpValue }[];
interface OtlpSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes?: OtlpAttributes;
  readonly status?: { readonly code?: number };
}
interface OtlpRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: OtlpAttributes };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

/** `STATUS_CODE_ERROR` of OTLP. */
const ERROR = 2;

export async function startCollector(): Promise<Collector> {
  const spans: CollectedSpan[] = [];
  const bodies: string[] = [];
  let headers: Readonly<Record<string, unknown>> = {};
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    if (request.method !== 'POST' || request.url !== '/v1/traces') return void response.writeHead(404).end();
    headers = request.headers;
    bodies.push(body);
    spans.push(...spansOf(JSON.parse(body) as OtlpRequest));
    response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    bodies,
    get headers() {
      return headers;
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function spansOf({ resourceSpans }: OtlpRequest): CollectedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = String(valuesOf(resource.attributes)['service.name']);
    return scopeSpans.flatMap((scope) => scope.spans.map((span) => toCollected(span, service)));
  });
}

function toCollected(span: OtlpSpan, service: string): CollectedSpan {
  const { name, traceId, spanId, parentSpanId, startTimeUnixNano, endTimeUnixNano, attributes, status } = span;
  return {
    service,
    name,
    traceId,
    spanId,
    parentSpanId: parentSpanId || undefined,
    startMs: Number(startTimeUnixNano) / 1e6,
    endMs: Number(endTimeUnixNano) / 1e6,
    attributes: valuesOf(attributes ?? []),
    failed: status?.code === ERROR,
  };
}

function valuesOf(attributes: OtlpAttributes): Record<string, unknown> {
  return Object.fromEntries(
    attributes.map(({ key, value: { stringValue, intValue, doubleValue, boolValue } }) => [
      key,
      stringValue ?? (intValue === undefined ? (doubleValue ?? boolValue) : Number(intValue)),
    ]),
  );
}

/**
 * What is wrong with one trace: a span below one that is not there, two with one id, one that ends before it begins, another
 * number of first spans than one.
 * @param client the span of the client that the first is below; undefined where that is the beginning.
 */
export function faultsOfTrace(spans: readonly CollectedSpan[], client?: string): string[] {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  const firsts = spans.filter(({ parentSpanId }) => parentSpanId === client);
  const strays = spans.filter((span) => span.parentSpanId !== client && !ids.has(span.parentSpanId ?? ''));
  return [
    ...(firsts.length === 1 ? [] : [`${firsts.length} first spans: ${firsts.map(({ name }) => name).join(', ')}`]),
    ...strays.map(({ name, parentSpanId }) => `"${name}" is below ${parentSpanId ?? 'nothing'}, which is not there`),
    ...(ids.size === spans.length ? [] : [`${spans.length - ids.size} span ids are there twice`]),
    ...spans.filter(({ startMs, endMs }) => endMs < startMs).map(({ name }) => `"${name}" ends before it begins`),
  ];
}
