/** The log: JSON lines on stderr, those about a job with the id of its trace. Program text and output never go in; ids, counts and times do. */
import { pino } from 'pino';
import { traceOfJob } from './tracing/tracing.js';

export type Log = Pick<ReturnType<typeof pino>, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'child'>;

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

export function createLog(service: string, level: (typeof LOG_LEVELS)[number]): Log {
  const mixin = ({ jobId }: { readonly jobId?: unknown }) => traceOfJob(jobId);
  return pino({ level, base: { service, pid: process.pid }, mixin }, pino.destination({ fd: 2, sync: false }));
}
