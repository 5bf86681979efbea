/** Traces, as everybody uses them. */
export { inSpan, inTrace, type PastSpan, rememberTrace, type Span, type TracePlace, tellSpan } from './tracing.js';
