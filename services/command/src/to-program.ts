/** From what a client asked for to a program: the language found, limits within its maxima, the entry named. */
import { decodeText, type FieldProblem, type NewJob, RunlaneError } from '@runlane/contract';
import type { Limits, Program, SourceFile } from '@runlane/core';
import { findLanguage, type KnownLanguage } from './languages.js';

/** @throws RunlaneError `INVALID_REQUEST` naming every bad field; `RUNNER_UNAVAILABLE` before the first runner was ever seen. */
export function toProgram(asked: NewJob, known: readonly KnownLanguage[]): Program {
  if (known.length === 0)
    throw new RunlaneError('RUNNER_UNAVAILABLE', 'no runner has ever been connected; try again once one is');
  const { version = '' } = asked;
  const language = findLanguage(known, asked.language, version);
  if (!language) throw invalid([unknownLanguage(asked, known)]);
  const limits = definedLimits(asked.limits);
  const problems = limitProblems(limits, language.maximumLimits, 'limits');
  if (problems.length > 0) throw invalid(problems);

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

function invalid(fields: readonly FieldProblem[]): RunlaneError {
  const detail = fields.map(({ field, reason }) => `${field}: ${reason}`).join('; ');
  return new RunlaneError('INVALID_REQUEST', detail, { fields });
}

function unknownLanguage({ language, version }: NewJob, known: readonly KnownLanguage[]): FieldProblem {
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
    if (typeof value === 'object') return limitProblems(value, typeof most === 'object' ? most : {}, field);
    if (typeof most !== 'number' || value <= most) return [];
    return [{ field, reason: `must be at most ${most}` }];
  });
}
