/** From anything a client sent to a checked value, or an error that names every bad field. */
import { type FieldProblem, RunlaneError } from '@runlane/contract';
import type { z } from 'zod';

/**
 * @param name what the value as a whole is called, such as a header.
 * @throws RunlaneError `INVALID_REQUEST`
 */
export function validate<T extends z.ZodType>(schema: T, value: unknown, name = ''): z.output<T> {
  const read = check(schema, value);
  if (read.value !== undefined) return read.value;
  throw invalidRequest(read.problems.map(({ field, reason }) => ({ field: field || name, reason })));
}

/** As many bad fields are named in one answer. */
export const MAX_PROBLEMS = 100;

/** The checked value, or everything that is wrong with it. */
export interface Checked<T> {
  readonly value?: T;
  readonly problems: readonly FieldProblem[];
}

export function check<T extends z.ZodType>(schema: T, value: unknown): Checked<z.output<T>> {
  const read = schema.safeParse(value);
  if (read.success) return { value: read.data, problems: [] };
  return { problems: read.error.issues.flatMap(toProblems).slice(0, MAX_PROBLEMS) };
}

export function invalidRequest(fields: readonly FieldProblem[]): RunlaneError {
  const detail = fields.map(({ field, reason }) => (field ? `${field}: ${reason}` : reason)).join('; ');
  return new RunlaneError('INVALID_REQUEST', detail.slice(0, 2_000), { fields });
}

function toProblems(issue: z.core.$ZodIssue): FieldProblem[] {
  const path = issue.path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text ? `${text}.${String(part)}` : String(part)),
    '',
  );
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      field: path ? `${path}.${key}` : key,
      reason: 'is not a field; see /openapi.json',
    }));
  }
  if (issue.code === 'invalid_key')
    return [{ field: path, reason: issue.issues.map(({ message }) => message).join(', ') }];
  return [{ field: path, reason: issue.message }];
}
