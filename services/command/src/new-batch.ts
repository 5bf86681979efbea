/** What a client asked for as a batch, checked job by job: others get in between, however large it is. */
import { type FieldProblem, type NewJob, type RunlaneError, uncheckedBatchSchema } from '@runlane/contract';
import type { Program } from '@runlane/core';
import type { KnownLanguage } from './languages.js';
import type { TermProblems } from './term-problems.js';
import { checkNewJob, programProblems, toProgram } from './to-program.js';
import { check, invalidRequest, MAX_PROBLEMS } from './validate.js';

export interface NewBatch {
  readonly jobs: readonly NewJob[];
  readonly metadata?: Readonly<Record<string, string>>;
}

/** How long checking may keep others waiting, in milliseconds. */
const LONGEST_TURN_MS = 10;

/**
 * @param mostJobs as many as could be accepted here at all.
 * @throws RunlaneError `INVALID_REQUEST` naming bad fields of the batch and of each job, a hundred at most.
 */
export async function readNewBatch(
  body: unknown,
  known: readonly KnownLanguage[],
  mostJobs: number,
  against: TermProblems,
): Promise<NewBatch> {
  const { value, problems: own } = check(uncheckedBatchSchema, body);
  if (!value) throw invalidRequest(own);
  const { jobs: unchecked, metadata } = value;
  if (unchecked.length > mostJobs) {
    const reason = `must have at most ${mostJobs} jobs: no more may wait on this server (MAX_QUEUED_JOBS); send smaller batches`;
    throw invalidRequest([{ field: 'jobs', reason }]);
  }
  const checked = await inTurns(unchecked, (job) => checkNewJob(job, known, against));
  if (checked.some((each) => !each.value)) {
    throw refusal(await inTurns(checked, (each) => (each.value ? programProblems(each.value, known) : each.problems)));
  }
  return { jobs: checked.map((each) => each.value as NewJob), ...(metadata && { metadata }) };
}

/** @throws RunlaneError `INVALID_REQUEST` · `RUNNER_UNAVAILABLE`, as for a single job. */
export async function toPrograms(jobs: readonly NewJob[], known: readonly KnownLanguage[]): Promise<Program[]> {
  const problems = await inTurns(jobs, (job) => programProblems(job, known));
  if (problems.some((ofOne) => ofOne.length > 0)) throw refusal(problems);
  return inTurns(jobs, (job) => toProgram(job, known));
}

/** @param problems of each job, in order. */
function refusal(problems: readonly (readonly FieldProblem[])[]): RunlaneError {
  const named = problems.flatMap((ofOne, index) =>
    ofOne.map(({ field, reason }) => ({ field: `jobs[${index}]${field && `.${field}`}`, reason })),
  );
  return invalidRequest(named.slice(0, MAX_PROBLEMS));
}

/** What becomes of each, with pauses in which others are served. */
async function inTurns<T, R>(items: readonly T[], work: (item: T) => R): Promise<R[]> {
  const done: R[] = [];
  let turnBeganMs = performance.now();
  for (const item of items) {
    done.push(work(item));
    if (performance.now() - turnBeganMs < LONGEST_TURN_MS) continue;
    await new Promise(setImmediate);
    turnBeganMs = performance.now();
  }
  return done;
}
