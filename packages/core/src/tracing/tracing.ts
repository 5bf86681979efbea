/**
 * One trace a job: spans of what is done for it, wherever that is. A span begins only below a place in a trace, which travels with
 * the job and in headers; so what nobody traces from its submission on costs a comparison. A span has names, ids, numbers and
 * outcomes. Nothing of a program, its input or its output may be in one.
 */
import { LRUCache } from 'lru-cache';
import type { Job, JobId } from '../job.js';

/** A place in a trace, as in the header `traceparent` of W3C Trace Context. */
export type TracePlace = string;

/** Beside these, what the span is about in our own words: `runlane.…`. */
type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

export interface SpanOptions {
  /** Of a request that is served (`server`) or made (`client`), or of a delivery (`consumer`). */
  readonly kind?: 'server' | 'client' | 'consumer';
  readonly attributes?: SpanAttributes;
}

export interface Span {
  /** Where what belongs to it is put, here or in another process; undefined where nothing is traced. */
  readonly place: TracePlace | undefined;
  tell(attributes: SpanAttributes): void;
  /** It did not do what it was to do. `reason` is one of few words, never a message. */
  fail(reason: string): void;
  end(): void;
}

/** A span that is over when it is told of. Times are in milliseconds since the epoch. */
export interface PastSpan extends SpanOptions {
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** Where it was when it began; anywhere when left out. */
  readonly place?: TracePlace | undefined;
  readonly failure?: string;
}

/** Makes spans and sends them away: `opentelemetry.ts`. */
export interface Tracer {
  /** Without a parent, or with one that is none, it is the first of a new trace. */
  start(name: string, parent: TracePlace | undefined, options: SpanOptions): Span;
  tell(name: string, parent: TracePlace, past: PastSpan): void;
}

/** Of so many jobs, those looked at last, it is known which trace they belong to. */
const KNOWN_JOBS = 10_000;

const NO_SPAN: Span = { place: undefined, tell() {}, fail() {}, end() {} };

let tracer: Tracer | undefined;
let traceIds: LRUCache<JobId, string> | undefined;

/** From now on there are spans; undefined: no more. */
export function useTracer(next: Tracer | undefined): void {
  tracer = next;
  traceIds = next && new LRUCache({ max: KNOWN_JOBS });
}

/** Do a client's work in a span, below the client's own place where it has one: else a new trace. */
export function inTrace<T>(
  name: string,
  client: TracePlace | undefined,
  work: (span: Span) => Promise<T>,
  options: SpanOptions = {},
): Promise<T> {
  return tracer ? within(tracer.start(name, client, options), work) : work(NO_SPAN);
}

/** Do something in a span, where there is a place for it. */
export function inSpan<T>(
  name: string,
  parent: TracePlace | undefined,
  work: (span: Span) => Promise<T>,
  options: SpanOptions = {},
): Promise<T> {
  return tracer && parent !== undefined ? within(tracer.start(name, parent, options), work) : work(NO_SPAN);
}

/** Tell of what is over, where there is a place for it. */
export function tellSpan(name: string, parent: TracePlace | undefined, past: PastSpan): void {
  if (tracer && parent !== undefined) tracer.tell(name, parent, past);
}

async function within<T>(span: Span, work: (span: Span) => Promise<T>): Promise<T> {
  try {
    return await work(span);
  } catch (error) {
    span.fail(reasonOf(error));
    throw error;
  } finally {
    span.end();
  }
}

/** The word by which an error is known. Its message may quote a program. */
function reasonOf(error: unknown): string {
  const { failure, code, name } = (error ?? {}) as Record<string, unknown>;
  return String([failure, code, name].find((word) => typeof word === 'string') ?? 'unknown');
}

/** What is logged of this job from now on names its trace. */
export function rememberTrace({ id, trace }: Pick<Job, 'id' | 'trace'>): void {
  if (traceIds && trace !== undefined) traceIds.set(id, traceIdOf(trace));
}

/** For a line of the log about this job. */
export function traceOfJob(id: unknown): { readonly traceId?: string } {
  const traceId = traceIds?.get(id as JobId);
  return traceId === undefined ? {} : { traceId };
}

const traceIdOf = (place: TracePlace) => place.split('-')[1] ?? '';
