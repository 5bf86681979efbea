/** From what a client asked for to a program: the language found, limits within its maxima, the entry named. */
import {
  decodeText,
  type FieldProblem,
  isVersionRange,
  limitsSchema,
  type NewJob,
  newJobSchema,
  RunlaneError,
  VERSION_EXAMPLES,
} from '@runlane/contract';
import type { Limits, Program, SourceFile } from '@runlane/core';
import { calledLanguage, findLanguage, type KnownLanguage } from './languages.js';
import { type Checked, check, invalidRequest } from './validate.js';

/**
 * What a client asked for, checked field by field.
 * @throws RunlaneError `INVALID_REQUEST` naming every bad field, those that only the languages on offer decide too.
 */
export function readNewJob(body: unknown, known: readonly KnownLanguage[]): NewJob {
  const { value, problems } = checkNewJob(body, known);
  if (value) return value;
  throw invalidRequest(problems);
}

/** The same without throwing: what was asked for, or all that is wrong with it. */
export function checkNewJob(body: unknown, known: readonly KnownLanguage[]): Checked<NewJob> {
  const { value, problems } = check(newJobSchema, body);
  if (value) return { value, problems };
  const named = new Set(problems.map(({ field }) => field));
  const more = offerProblems(loosely(body), known).filter(({ field }) => !named.has(field));
  return { problems: [...problems, ...more] };
}

/** What the languages on offer have against a job that is otherwise good. */
export function programProblems({ language, version = '', limits }: NewJob, known: readonly KnownLanguage[]) {
  return offerProblems({ language, version, limits: definedLimits(limits) }, known);
}

/** @throws RunlaneError `INVALID_REQUEST` naming every bad field; `RUNNER_UNAVAILABLE` before the first runner was ever seen. */
export function toProgram(asked: NewJob, known: readonly KnownLanguage[]): Program {
  const { version = '' } = asked;
  const limits = definedLimits(asked.limits);
  const problems = programProblems(asked, known);
  const language = findLanguage(known, asked.language, version);
  if (problems.length > 0) throw invalidRequest(problems);
  if (!language)
    throw new RunlaneError('RUNNER_UNAVAILABLE', 'no runner has ever been connected; try again once one is');

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
  // Without the version, the default one, or else any language at all: the limits are judged all the same.
  const language =
    findLanguage(known, name, version) ?? findLanguage(known, name, '') ?? known.find(({ usable }) => usable);
  return [
    ...choiceProblems(wanted, known),
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

/** Why there is no such language or version to be had. */
function choiceProblems({ language, version }: Wanted, known: readonly KnownLanguage[]): FieldProblem[] {
  if (findLanguage(known, language, version)) return [];
  const byName = findLanguage(known, language, '');
  const nameProblems = byName || known.length === 0 ? [] : [unknownLanguage(language, known)];
  const versions = known.filter(({ name, usable }) => usable && name === byName?.name).map((each) => each.version);
  const there = byName ? `; there is ${versions.join(', ')}` : '';
  const problem = (reason: string) => [...nameProblems, { field: 'version', reason: `${reason}${there}` }];
  if (version !== '' && !isVersionRange(version))
    return problem(`must be a version or a range of versions, such as ${VERSION_EXAMPLES}`);
  return byName ? problem(`no ${byName.name} ${version} here`) : nameProblems;
}

function unknownLanguage(language: string, known: readonly KnownLanguage[]): FieldProblem {
  const names = [...new Set(known.filter(({ usable }) => usable).map(({ name }) => name))].join(', ');
  const there = `there is ${names || 'none'}`;
  const unusable = calledLanguage(known, language);
  const reason = unusable
    ? `${unusable.title} cannot be run here: ${unusable.unavailableReason}; ${there}`
    : `"${language}" is not a language here; ${there}`;
  return { field: 'language', reason };
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
