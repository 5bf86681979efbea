/** The statuses of a job; `JobStatus` in `types.proto` says what each means. */

/** How a job can end. All but `error` say something of the program or its client; `error` is ours. */
export const FINAL_STATUSES = [
  'succeeded',
  'failed',
  'timed_out',
  'memory_exceeded',
  'output_exceeded',
  'compile_failed',
  'cancelled',
  'error',
] as const;

export const STATUSES = ['accepted', 'saving', 'queued', 'running', ...FINAL_STATUSES] as const;

/** Of one owner's jobs, those that somebody waits for go first. */
export const JOB_PRIORITIES = ['interactive', 'batch'] as const;

export type JobPriority = (typeof JOB_PRIORITIES)[number];

export type FinalStatus = (typeof FINAL_STATUSES)[number];

export type Status = (typeof STATUSES)[number];
