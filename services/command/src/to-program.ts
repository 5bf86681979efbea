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
import type { Interactive, Limits, Program } from '@runlane/core';
import { calledLanguage, findLanguage, type KnownLanguage } from './languages.js';
import type { TermProblems } from './term-problems.js';
import { toJudging } from './to-judging.js';
import { definedLimits, toSources } from './to-sources.js';
import { type Checked, check, invalidRequest } from './validate.js';

/**
 * What a client asked for, checked field by field.
 * @throws RunlaneError `INVALID_REQUEST` naming every bad field, those that only the languages on offer decide too.
 */
export function readNewJob(body: unknown, known: readonly KnownLanguage[], against: TermProblems): NewJob {
  const { value, problems } = checkNewJob(body, known, against);
  if (value) return value;
  throw invalidRequest(problems);
}

/** The same without throwing: what was asked for, or all that is wrong with it. */
export function checkNewJob(body: unknown, known: readonly KnownLanguage[], against: TermProblems): Checked<NewJob> {
  const { value, problems } = check(newJobSchema, body);
  const unwanted = against(asRecord(body));
  if (value && unwanted.length === 0) return { value, problems };
  const named = new Set(problems.map(({ field }) => field));
  const more = loosely(body)
    .flatMap((wanted) => offerProblems(wanted, known))
    .filter(({ field }) => !named.has(field));
  return { problems: [...problems, ...more, ...unwanted] };
}

/** What the languages on offer have against a job that is otherwise good. */
export function programProblems(
  { language, version = '', limits, interactive, cases, judge }: NewJob,
  known: readonly KnownLanguage[],
) {
  const checker = judge?.checker;
  return [
    ...offerProblems(
      { language, version, limits: definedLimits(limits), at: '', cases, terminal: hasTerminal({ interactive }) },
      known,
    ),
    ...(checker ? offerProblems(wantedChecker(checker), known) : []),
  ];
}

function wantedChecker({
  language,
  version = '',
  limits,
}: NonNullable<NonNullable<NewJob['judge']>['checker']>): Wanted {
  return { language, version, limits: definedLimits(limits), at: 'judge.checker.' };
}

/** @throws RunlaneError `INVALID_REQUEST` naming every bad field; `RUNNER_UNAVAILABLE` before the first runner was ever seen. */
export function toProgram(asked: NewJob, known: readonly KnownLanguage[]): Program {
  const { version = '', judge } = asked;
  const limits = definedLimits(asked.limits);
  const problems = programProblems(asked, known);
  const checker = judge?.checker;
  const language = findLanguage(known, asked.language, version);
  const checkerLanguage = checker && findLanguage(known, checker.language, checker.version ?? '');
  if (problems.length > 0) throw invalidRequest(problems);
  if (!language || (checker && !checkerLanguage))
    throw new RunlaneError('RUNNER_UNAVAILABLE', 'no runner has ever been connected; try again once one is');

  return {
    language: language.name,
    version,
    ...toSources(asked, language),
    stdin: decodeText(asked.stdin, asked.stdinEncoding),
    args: asked.args,
    env: asked.env ?? {},
    limits,
    ...(asked.interactive && { interactive: definedInteractive(asked.interactive) }),
    ...toJudging(asked, checkerLanguage),
  };
}

/** What the languages on offer decide. */
interface Wanted {
  readonly language: string;
  readonly version: string;
  readonly limits: Limits;
  /** Before the name of each field: where the program is in the request. */
  readonly at: string;
  /** Limits of single cases, by their place. */
  readonly cases?: NewJob['cases'];
  readonly terminal?: boolean;
}

function offerProblems(wanted: Wanted, known: readonly KnownLanguage[]): FieldProblem[] {
  const { language: name, version, limits, at, cases = [], terminal = false } = wanted;
  // Without the version, the default one, or else any language at all: the limits are judged all the same.
  const language =
    findLanguage(known, name, version) ?? findLanguage(known, name, '') ?? known.find(({ usable }) => usable);
  const most = language?.maximumLimits ?? {};
  return [
    ...choiceProblems(wanted, known).map(({ field, reason }) => ({ field: `${at}${field}`, reason })),
    ...(language ? limitProblems(limits, most, `${at}limits`) : []),
    ...cases.flatMap((each, index) => limitProblems(definedLimits(each.limits), most, `cases[${index}].limits`)),
    ...(language && terminal && !language.terminal ? [noTerminal(language)] : []),
  ];
}

function noTerminal({ title }: KnownLanguage): FieldProblem {
  const reason = `${title} is not run in a terminal here; leave it out, and input and output are pipes`;
  return { field: 'interactive.terminal', reason };
}

/** What can be understood of a body that is not valid: of its program, and of its checker. */
function loosely(body: unknown): Wanted[] {
  const { judge } = asRecord(body);
  const { checker } = asRecord(judge);
  return [looselyWanted(body, ''), ...(checker === undefined ? [] : [looselyWanted(checker, 'judge.checker.')])];
}

function looselyWanted(value: unknown, at: string): Wanted {
  const { language, version, limits, interactive } = asRecord(value);
  const text = (given: unknown, otherwise: string) => (typeof given === 'string' ? given : otherwise);
  const read = limitsSchema.safeParse(limits);
  return {
    language: text(language, 'python'),
    version: text(version, ''),
    limits: read.success ? definedLimits(read.data) : {},
    terminal: hasTerminal({ interactive }),
    at,
  };
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
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

function hasTerminal({ interactive }: { readonly interactive?: unknown }): boolean {
  return typeof interactive === 'object' && (interactive as NewJob['interactive'])?.terminal !== undefined;
}

function definedInteractive({ terminal }: NonNullable<NewJob['interactive']>): Interactive {
  return terminal ? { terminal } : {};
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
