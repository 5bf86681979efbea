/**
 * Moments in the way of a job, told to whoever listens in this process: `npm run bench -- --trace` makes its table of stages
 * from them. Costs nothing while nobody does.
 */
import { channel } from 'node:diagnostics_channel';
import type { JobId } from './job.js';

/** In the order in which they come: each ends the stage that the one before began. */
export const MOMENTS = [
  'received',
  'visible',
  'saving',
  'saved',
  'delivered',
  'admitted',
  'claimed',
  'started',
  'exited',
  'finished',
  'answered',
] as const;

export type Moment = (typeof MOMENTS)[number];

export interface MomentMessage {
  readonly jobId: JobId;
  readonly moment: Moment;
  /** As performance.now() has it, in milliseconds. */
  readonly atMs: number;
}

export const MOMENT_CHANNEL = 'runlane:moment';
const moments = channel(MOMENT_CHANNEL);

export function tellMoment(jobId: JobId, moment: Moment, atMs = performance.now()): void {
  if (moments.hasSubscribers) moments.publish({ jobId, moment, atMs } satisfies MomentMessage);
}
