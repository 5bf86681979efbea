/** The verdicts on a test case; `Verdict` in `execution.proto` says what each means. */

export const VERDICTS = [
  'accepted',
  'wrong_answer',
  'presentation_error',
  'time_limit_exceeded',
  'memory_limit_exceeded',
  'output_limit_exceeded',
  'runtime_error',
  'checker_failed',
  'skipped',
] as const;

export type Verdict = (typeof VERDICTS)[number];
