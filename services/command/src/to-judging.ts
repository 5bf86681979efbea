/** From what a client asked of test mode to what is kept of it. */
import { decodeText, type NewJob } from '@runlane/contract';
import type { Checker, Comparison, Judge, Program, TestCase } from '@runlane/core';
import type { KnownLanguage } from './languages.js';
import { definedLimits, toSources } from './to-sources.js';

type AskedCase = NonNullable<NewJob['cases']>[number];
type AskedJudge = NonNullable<NewJob['judge']>;
type AskedComparison = NonNullable<AskedJudge['comparison']>;

/** What test mode adds to a program; nothing without cases. */
export function toJudging(
  { cases, judge }: Pick<NewJob, 'cases' | 'judge'>,
  checkerLanguage: KnownLanguage | undefined,
): Pick<Program, 'cases' | 'judge'> {
  return cases ? { cases: cases.map(toCase), judge: toJudge(judge, checkerLanguage) } : {};
}

function toCase(asked: AskedCase): TestCase {
  const { name, stdin, stdinEncoding, args, expectedStdout, expectedStdoutEncoding, limits, comparison } = asked;
  return {
    ...(name !== undefined && { name }),
    ...(stdin !== undefined && { stdin: decodeText(stdin, stdinEncoding) }),
    ...(args && { args }),
    ...(expectedStdout !== undefined && { expectedStdout: decodeText(expectedStdout, expectedStdoutEncoding) }),
    ...(limits && { limits: definedLimits(limits) }),
    ...(comparison && { comparison: toComparison(comparison) }),
  };
}

function toJudge(asked: AskedJudge | undefined, checkerLanguage: KnownLanguage | undefined): Judge {
  const { comparison, checker, stopAtFirstFailure = false } = asked ?? {};
  return {
    comparison: toComparison(comparison ?? { mode: checker ? 'checker' : 'trimmed' }),
    stopAtFirstFailure,
    ...(checker && checkerLanguage && { checker: toChecker(checker, checkerLanguage) }),
  };
}

function toComparison({ mode, absoluteTolerance, relativeTolerance }: AskedComparison): Comparison {
  return {
    mode,
    ...(absoluteTolerance !== undefined && { absoluteTolerance }),
    ...(relativeTolerance !== undefined && { relativeTolerance }),
  };
}

function toChecker(asked: NonNullable<AskedJudge['checker']>, language: KnownLanguage): Checker {
  const { version = '', limits } = asked;
  return { language: language.name, version, ...toSources(asked, language), limits: definedLimits(limits) };
}
