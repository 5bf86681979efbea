/** Test mode as protobuf messages: cases and judge on their way in, verdicts on their way out. */
import { execution } from '@runlane/contract';
import {
  type CaseResult,
  type Comparison,
  type JudgedCase,
  type JudgingSummary,
  toJudgedCase,
  type Verdict,
} from '@runlane/core';
import { toSourcesInput } from './sources-proto.js';

const VERDICT: Readonly<Record<Verdict, execution.Verdict>> = {
  accepted: execution.Verdict.ACCEPTED,
  wrong_answer: execution.Verdict.WRONG_ANSWER,
  presentation_error: execution.Verdict.PRESENTATION_ERROR,
  time_limit_exceeded: execution.Verdict.TIME_LIMIT_EXCEEDED,
  memory_limit_exceeded: execution.Verdict.MEMORY_LIMIT_EXCEEDED,
  output_limit_exceeded: execution.Verdict.OUTPUT_LIMIT_EXCEEDED,
  runtime_error: execution.Verdict.RUNTIME_ERROR,
  checker_failed: execution.Verdict.CHECKER_FAILED,
  skipped: execution.Verdict.SKIPPED,
};

/** A number that is none of ours is left for the schema to refuse. */
const MODE: Readonly<Record<number, Comparison['mode']>> = {
  [execution.ComparisonMode.EXACT]: 'exact',
  [execution.ComparisonMode.TRIMMED]: 'trimmed',
  [execution.ComparisonMode.TOKENS]: 'tokens',
  [execution.ComparisonMode.NUMERIC]: 'numeric',
  [execution.ComparisonMode.CHECKER]: 'checker',
};

/** No cases are unset ones: a message cannot tell the two apart. */
export function toCasesInput(cases: readonly execution.TestCase[]): unknown {
  return cases.length === 0 ? undefined : cases.map(toCaseInput);
}

function toCaseInput({ name, stdin, args, expectedStdout, limits, comparison }: execution.TestCase) {
  return {
    name: name || undefined,
    stdin: stdin?.toString('base64'),
    stdinEncoding: 'base64',
    args: args?.values,
    expectedStdout: expectedStdout?.toString('base64'),
    expectedStdoutEncoding: 'base64',
    limits,
    comparison: comparison && toComparisonInput(comparison),
  };
}

export function toJudgeInput({ comparison, checker, stopAtFirstFailure }: execution.Judge): unknown {
  return {
    comparison: comparison && toComparisonInput(comparison),
    checker: checker && { ...toSourcesInput(checker), limits: checker.limits },
    stopAtFirstFailure,
  };
}

function toComparisonInput({ mode, absoluteTolerance, relativeTolerance }: execution.Comparison) {
  return { mode: MODE[mode] ?? '', absoluteTolerance, relativeTolerance };
}

export function toJudgedMessage({ name = '', verdict, ...figures }: JudgedCase): execution.JudgedCase {
  return { ...figures, name, verdict: VERDICT[verdict] };
}

export function toCaseMessage(result: CaseResult): execution.CaseResult {
  const { exitCode, signal, stdout, stderr, stdoutTruncated, stderrTruncated, message } = result;
  return {
    judged: toJudgedMessage(toJudgedCase(result)),
    exitCode: exitCode ?? undefined,
    signal: signal ?? undefined,
    stdout: Buffer.from(stdout),
    stderr: Buffer.from(stderr),
    stdoutTruncated,
    stderrTruncated,
    message,
  };
}

export function toSummaryMessage({
  verdict,
  total,
  passed,
  failed,
  skipped,
  firstFailure,
}: JudgingSummary): execution.JudgingSummary {
  return { verdict: VERDICT[verdict], total, passed, failed, skipped, firstFailure };
}
