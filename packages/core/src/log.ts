/** The log: JSON lines on stderr. Program text and output never go in; ids, counts and times do. */
import { pino } from 'pino';

export type Log = Pick<ReturnType<typeof pino>, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'child'>;

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

export function createLog(service: string, level: (typeof LOG_LEVELS)[number]): Log {
  return pino({ level, base: { service, pid: process.pid } }, pino.destination({ fd: 2, sync: false }));
}
