/** The statuses of a job as clients see them; `JobStatus` in `types.proto` says what each means. */
export const STATUS_NAMES = [
  'accepted',
  'saving',
  'queued',
  'running',
  'succeeded',
  'failed',
  'timed_out',
  'memory_exceeded',
  'output_exceeded',
  'compile_failed',
  'cancelled',
  'error',
] as const;
