/** Test mode: the cases that a program is judged by, how its output is compared, and the checker that may do it instead. */
import { z } from 'zod';
import {
  argument,
  bytesAtMost,
  checkEncoded,
  checkSources,
  compileLimitFields,
  encoding,
  limitsSchema,
  MAX_ARGS,
  MAX_STDIN_BYTES,
  type Problem,
  sourceFields,
  wellFormed,
} from './program-fields.js';

export const MAX_CASES = 200;
/** So that input, output and answer of a case together, which a checker is given, fit into one message of gRPC. */
export const MAX_EXPECTED_BYTES = 1024 * 1024;
const MAX_NAME_BYTES = 128;

export const COMPARISON_MODES = ['exact', 'trimmed', 'tokens', 'numeric', 'checker'] as const;

/** Files that a checker is given, and its arguments. */
export const CHECKER_FILES = ['input', 'output', 'answer'] as const;

/** Of each number, where the comparison is numeric and names no tolerance: as far as the usual checkers go. */
export const USUAL_TOLERANCE = 1e-6;

const tolerance = (description: string) => z.number().min(0).optional().meta({ description });

export const comparisonSchema = z
  .strictObject({
    mode: z.enum(COMPARISON_MODES).meta({
      description:
        '`exact`: byte by byte. `trimmed`: line by line, without white space at the end of lines and empty lines at the end. ' +
        '`tokens`: word by word, whatever white space is between them. `numeric`: as `tokens`, but numbers may differ by a ' +
        'tolerance. `checker`: `judge.checker` decides.',
    }),
    absoluteTolerance: tolerance('How far a number may be from the expected one.'),
    relativeTolerance: tolerance(
      `The same, as a part of the expected number; the greater of both counts. ${USUAL_TOLERANCE} each where neither is given.`,
    ),
  })
  .superRefine(({ mode, ...tolerances }, context) => {
    if (mode === 'numeric') return;
    for (const [name, value] of Object.entries(tolerances)) {
      if (value !== undefined)
        context.addIssue({ code: 'custom', path: [name], message: 'is for mode "numeric" only' });
    }
  })
  .meta({
    id: 'Comparison',
    description:
      'How output is compared with what is expected: of a case, else of the job, else by the checker where there is one, else `trimmed`.',
  });

export const testCaseSchema = z
  .strictObject({
    name: wellFormed
      .min(1)
      .refine(...bytesAtMost(MAX_NAME_BYTES))
      .optional()
      .meta({ description: 'Yours, told with the verdict.', example: 'smallest' }),
    stdin: wellFormed.optional().meta({
      description: `Standard input, at most ${MAX_STDIN_BYTES} bytes; the job's when left out.`,
      example: '1 2\n',
    }),
    stdinEncoding: encoding,
    args: z
      .array(argument)
      .max(MAX_ARGS)
      .optional()
      .meta({ description: "Command-line arguments; the job's when left out.", example: [] }),
    expectedStdout: wellFormed.optional().meta({
      description: `What the program is to print, at most ${MAX_EXPECTED_BYTES} bytes. When left out, its output is not compared: exit code 0 is enough.`,
      example: '3\n',
    }),
    expectedStdoutEncoding: encoding,
    limits: z
      .strictObject(compileLimitFields)
      .optional()
      .meta({ description: "Limits of this case's run; those of the job where left out." }),
    comparison: comparisonSchema.optional(),
  })
  .superRefine(({ stdin, stdinEncoding, expectedStdout, expectedStdoutEncoding }, context) => {
    if (stdin !== undefined) checkEncoded(stdin, stdinEncoding, MAX_STDIN_BYTES, 'stdin', context);
    if (expectedStdout !== undefined) {
      checkEncoded(expectedStdout, expectedStdoutEncoding, MAX_EXPECTED_BYTES, 'expectedStdout', context);
    }
  })
  .meta({ id: 'TestCase', description: 'A run of the program and what it is to print.' });

export const checkerSchema = z.strictObject({ ...sourceFields, limits: limitsSchema.optional() }).meta({
  id: 'Checker',
  description:
    'A program that judges output. It is called with the arguments `input output answer`, the names of three files beside ' +
    'it; exit code 0 accepts, 1 is a wrong answer, 2 a presentation error, anything else is its own failure. What it ' +
    'writes to stderr is the message.',
});

export const judgeSchema = z
  .strictObject({
    comparison: comparisonSchema.optional(),
    checker: checkerSchema.optional(),
    stopAtFirstFailure: z
      .boolean()
      .default(false)
      .meta({ description: 'Leave out the cases after the first that is not accepted.' }),
  })
  .meta({ id: 'Judge', description: 'How test cases are judged.' });

export const judgingFields = {
  cases: z
    .array(testCaseSchema)
    .min(1)
    .max(MAX_CASES)
    .optional()
    .meta({
      description: `Test mode: the program is compiled once, run for each case, at most ${MAX_CASES}, in a sandbox of its own, and judged by what it prints.`,
    }),
  judge: judgeSchema.optional(),
};

/** What the fields of test mode decide together. They may be of any type still: then their own checks have said so. */
export function checkJudging({ cases, judge, interactive }: Record<string, unknown>, problem: Problem): void {
  const { checker, comparison } = asRecord(judge);
  if (interactive !== undefined && cases !== undefined)
    problem(
      ['interactive'],
      'is for a program that somebody talks to: one that is judged reads its cases; leave one out',
    );
  if (judge !== undefined && cases === undefined) problem(['judge'], 'is for test cases: give "cases" as well');
  if (typeof checker === 'object' && checker !== null) {
    const inChecker: Problem = (path, message) => problem(['judge', 'checker', ...path], message);
    checkSources(asRecord(checker), inChecker);
    checkNames(asRecord(checker), inChecker);
    return;
  }
  const needsChecker = (value: unknown, path: (string | number)[]) => {
    if (asRecord(value).mode === 'checker') problem([...path, 'mode'], '"checker" needs "judge.checker"');
  };
  needsChecker(comparison, ['judge', 'comparison']);
  if (!Array.isArray(cases)) return;
  for (const [index, each] of cases.entries()) needsChecker(asRecord(each).comparison, ['cases', index, 'comparison']);
}

/** Its own files and those that it is given lie in one folder. */
function checkNames({ files, entry }: Record<string, unknown>, problem: Problem): void {
  const given = Array.isArray(files) ? files : [];
  const named = [
    ...given.map((file, index) => ({ path: asRecord(file).path, at: ['files', index, 'path'] })),
    { path: entry, at: ['entry'] },
  ];
  for (const { path, at } of named) {
    const [first] = typeof path === 'string' ? path.toLowerCase().split('/') : [];
    if (CHECKER_FILES.some((name) => name === first))
      problem(at, `must not begin with "${first}": a checker is given a file of that name`);
  }
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
