/** What is run for a case: the program with the case's input, and the checker with what the program made of it. */
import type { Checker, Prepared, Program, Saved, TestCase } from '@runlane/core';
import { bundleOf } from '../program-bundle.js';

/** A program, what it was prepared to, and the files of this run alone. */
export interface Runnable {
  readonly program: Program;
  readonly prepared: Prepared;
  readonly files: Uint8Array;
}

const NOTHING = new Uint8Array();
/** Files that cases and checkers leave belong to no result: runners need not send them. */
const NO_FILES_BACK = { producedFiles: 0 } as const;

/** What a case leaves out is the job's. */
function programOfCase(program: Program, { stdin, args, limits }: TestCase): Program {
  const { cases: _cases, judge: _judge, ...own } = program;
  return {
    ...own,
    stdin: stdin ?? program.stdin,
    args: args ?? program.args,
    limits: { ...program.limits, ...limits, ...NO_FILES_BACK },
  };
}

/** The program that is to be started: of a judged job, with the input of its first case. */
export function firstProgram(program: Program): Program {
  const [first] = program.cases ?? [];
  return first ? programOfCase(program, first) : program;
}

export function caseToRun(program: Program, testCase: TestCase, { checker: _, ...prepared }: Saved): Runnable {
  return { program: programOfCase(program, testCase), prepared, files: NOTHING };
}

/** The checker, called as those made with testlib are: by the names of three files beside it. */
export function checkerToRun(
  checker: Checker,
  prepared: Prepared,
  { input, output, answer }: Readonly<Record<'input' | 'output' | 'answer', Uint8Array>>,
): Runnable {
  const files = Object.entries({ input, output, answer }).map(([path, content]) => ({ path, content }));
  const limits = { ...checker.limits, ...NO_FILES_BACK };
  const program = { ...checker, limits, stdin: NOTHING, args: files.map(({ path }) => path), env: {} };
  return { program, prepared, files: bundleOf(files) };
}
