/** The words of test mode: the cases that a program is judged by, and what they are found to be. */
import type { COMPARISON_MODES, Verdict } from '@runlane/contract';
import type { CompileLimits, Limits, ProgramEnd, SourceFile } from './job.js';

export type { Verdict };

/** How output is compared; meaning of each mode: `ComparisonMode` in `execution.proto`. */
export interface Comparison {
  readonly mode: (typeof COMPARISON_MODES)[number];
  readonly absoluteTolerance?: number;
  readonly relativeTolerance?: number;
}

/** What is left out is the job's: to write it into each case would make a job as large as its input times its cases. */
export interface TestCase {
  readonly name?: string;
  readonly stdin?: Uint8Array;
  readonly args?: readonly string[];
  /** When there is none, output is not compared. */
  readonly expectedStdout?: Uint8Array;
  readonly limits?: CompileLimits;
  readonly comparison?: Comparison;
}

/** A program that judges output, checked as a job's own program is. */
export interface Checker {
  readonly language: string;
  /** As asked for; "" for the runner's default. */
  readonly version: string;
  readonly files: readonly SourceFile[];
  readonly entry: string;
  readonly limits: Limits;
}

export interface Judge {
  readonly comparison: Comparison;
  readonly checker?: Checker;
  readonly stopAtFirstFailure: boolean;
}

/** A case that was judged: what is told as soon as it is known. */
export interface JudgedCase {
  /** Its place among the job's cases, from 0. */
  readonly index: number;
  readonly name?: string;
  readonly verdict: Verdict;
  readonly wallTimeMs: number;
  readonly cpuTimeMs: number;
  readonly memoryPeakBytes: number;
}

/** The first bytes of its output are kept; judged is the whole of it. */
export interface CaseResult extends JudgedCase, ProgramEnd {
  readonly message?: string;
}

export interface JudgingSummary {
  /** `accepted` when every case is, else that of the first that is not. */
  readonly verdict: Verdict;
  readonly total: number;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Index of the first case that was judged and failed. */
  readonly firstFailure?: number;
}

/** What a job's events tell of a case. */
export function toJudgedCase(result: CaseResult): JudgedCase {
  const { index, name, verdict, wallTimeMs, cpuTimeMs, memoryPeakBytes } = result;
  return { index, ...(name !== undefined && { name }), verdict, wallTimeMs, cpuTimeMs, memoryPeakBytes };
}
