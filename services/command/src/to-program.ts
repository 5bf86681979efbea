/** From what a client asked for to a program: the language found, limits within its maxima, the entry named. */
import {
  decodeText,
  type FieldProblem,
  limitsSchema,
  type NewJob,
  newJobSchema,
  RunlaneError,
} from '@runlane/contract';
import type { Limits, Program, SourceFile } from '@runlane/core';
import { findLanguage, type KnownLanguage } from './languages.js';
import { check, invalidRequest } from './validate.js';

/**
 * What a client asked for, checked field by field.
 * @throws RunlaneError `INVALID_REQUEST` naming every bad field, those that only the languages on offer decide too.
 */
export function readNewJob(body: unknown, known: readonly KnownLanguage[]): NewJob {
  const { value, problems } = check(newJobSchema, body);
  if (value) return value;
  const named = new Set(problems.map(({ field }) => field));
  const more = offerProblems(loosely(body), known).filter(({ field }) => !named.has(field));
  throw invalidRequest([...problems, ...more]);
}

/** @throws RunlaneError `INVALID_REQUEST` naming every bad field; `RUNNER_UNAVAILABLE` before the first runner was ever seen. */
export function toProgram(asked: NewJob, known: readonly KnownLanguage[]): Program {
  if (known.length === 0)
    throw new RunlaneError('RUNNER_UNAVAILABLE', 'no runner has ever been connected; try again once one is');
  const { version = '' } = asked;
  const limits = definedLimits(asked.limits);
  const problems = offerProblems({ language: asked.language, version, limits }, known);
  const language = findLanguage(known, asked.language, version);
  if (problems.length > 0 || !language) throw invalidRequest(problems);

  const files = toFiles(asked, language);
  return {
    language: language.name,
    version,
    files,
    entry: asked.entry ?? usualEntry(files, language.entry),
    stdin: decodeText(asked.stdin, asked.stdinEncoding),
    args: asked.args,
    env: asked.env ?? {},
    limits,
  };
}

/** What the languages on offer decide. */
interface Wanted {
  readonly language: string;
  readonly version: string;
  readonly limits: Limits;
}

function offerProblems(wanted: Wanted, known: readonly KnownLanguage[]): FieldProblem[] {
  const { language: name, version, limits } = wanted;
  // Without the language, its newest version, or else any at all: the limits are judged all the same.
  const language = findLanguage(known, name, version) ?? findLanguage(known, name, '') ?? known[0];
  return [
    ...(findLanguage(known, name, version) || known.length === 0 ? [] : [unknownLanguage(wanted, known)]),
    ...(language ? limitProblems(limits, language.maximumLimits, 'limits') : []),
  ];
}

/** What can be understood of a body that is not valid. */
function loosely(body: unknown): Wanted {
  const { language, version, limits } = (typeof body === 'object' && body !== null ? body : {}) as Record<
    string,
    unknown
  >;
  const text = (value: unknown, otherwise: string) => (typeof value === 'string' ? value : otherwise);
  const read = limitsSchema.safeParse(limits);
  return {
    language: text(language, 'python'),
    version: text(version, ''),
    limits: read.success ? definedLimits(read.data) : {},
  };
}

function unknownLanguage({ language, version }: Wanted, known: readonly KnownLanguage[]): FieldProblem {
  const byName = findLanguage(known, language, '');
  if (byName) {
    const versions = known.filter(({ name }) => name === byName.name).map((each) => each.version);
    return { field: 'version', reason: `no ${byName.name} ${version} here; there is ${versions.join(', ')}` };
  }
  const names = [...new Set(known.map(({ name }) => name))].join(', ');
  return { field: 'language', reason: `"${language}" is not a language here; there is ${names}` };
}

function toFiles({ code, files, entry }: NewJob, language: KnownLanguage): SourceFile[] {
  if (files) return files.map(({ path, content, encoding }) => ({ path, content: decodeText(content, encoding) }));
  return [{ path: entry ?? language.entry, content: Buffer.from(code ?? '') }];
}

function usualEntry(files: readonly SourceFile[], usual: string): string {
  return files.some(({ path }) => path === usual) ? usual : (files[0]?.path ?? usual);
}

function definedLimits({ compile, ...run }: NonNullable<NewJob['limits']> = {}): Limits {
  const defined = (limits: object) =>
    Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
  return { ...defined(run), ...(compile && { compile: defined(compile) }) };
}

function limitProblems(asked: Limits, maximum: Limits, path: string): FieldProblem[] {
  return Object.entries(asked).flatMap(([name, value]) => {
    const most = maximum[name as keyof Limits];
    const field = `${path}.${name}`;
    if (typeof value === 'object') {
      if (typeof most === 'object') return limitProblems(value, most, field);
      return [{ field, reason: 'does not apply: this language is not compiled' }];
    }
    if (typeof most !== 'number' || value <= most) return [];
    return [{ field, reason: `must be at most ${most}` }];
  });
}
