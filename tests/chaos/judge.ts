/**
 * Whether the promise held: nothing accepted is lost, nothing ends twice, and whatever ran more than once had the right to.
 * Only facts go in here (what clients saw, what is stored, which runs began), so that a test can put in others.
 */
import type { Facts } from '@runlane/core';
import { type Entry, isAccepted, isEnded } from './ledger.js';

/** A run that a worker began. Times are the monotonic clock's, which all processes of a machine share. */
export interface Run {
  readonly jobId: string;
  readonly attempt: number;
  readonly workerId: string;
  readonly atMs: number;
}

export interface Evidence {
  readonly entries: readonly Entry[];
  readonly runs: readonly Run[];
  /** By `attemptKey`. */
  readonly attempts: ReadonlyMap<string, Facts['attempts']>;
  /** When the clock of a worker was wrong: then a live claim may look dead, and a run more is no fault. */
  readonly wrongClocks: readonly { readonly fromMs: number; readonly toMs: number }[];
}

export interface Judgement {
  readonly accepted: number;
  readonly ended: number;
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
  /** Ended, but not as the program ends. */
  readonly wrong: readonly string[];
  /** Jobs that ran more than once, with every right. */
  readonly ranAgain: { readonly afterLoss: number; readonly forWrongClock: number };
}

export const attemptKey = (jobId: string, attempt: number) => `${jobId}:e:${attempt}`;

export function judge(evidence: Evidence): Judgement {
  const { entries, runs } = evidence;
  const accepted = entries.filter(isAccepted);
  const byJob = groupByJob(runs);
  const doubled = new Map<Entry, string>();
  const ranAgain = { afterLoss: 0, forWrongClock: 0 };
  for (const entry of accepted) {
    const [id = ''] = entry.ids;
    const why = seenTwice(entry) ?? unlawful(byJob.get(id) ?? [], evidence);
    if (why === undefined) continue;
    if (why in ranAgain) ranAgain[why as keyof typeof ranAgain] += 1;
    else doubled.set(entry, why);
  }
  const say = (entry: Entry, why: string) => `job ${[...entry.ids]} (no. ${entry.submission.number}): ${why}`;
  return {
    accepted: accepted.length,
    ended: accepted.filter(isEnded).length,
    lost: accepted.filter((entry) => !isEnded(entry)).map((entry) => say(entry, 'has no end')),
    doubled: [...doubled].map(([entry, why]) => say(entry, why)),
    wrong: accepted.flatMap((entry) => {
      const why = isEnded(entry) && wrongly(entry);
      return why ? [say(entry, why)] : [];
    }),
    ranAgain,
  };
}

function groupByJob(runs: readonly Run[]): Map<string, Run[]> {
  const byJob = new Map<string, Run[]>();
  for (const run of runs) byJob.set(run.jobId, [...(byJob.get(run.jobId) ?? []), run]);
  return byJob;
}

function seenTwice({ ids, ends }: Entry): string | undefined {
  if (ids.size > 1) return `its key led to ${ids.size} jobs`;
  if (ends.length > 1) return `${ends.length} different ends were seen: ${ends.map(({ status }) => status)}`;
  return undefined;
}

function wrongly({ submission, ends }: Entry): string | undefined {
  const [end] = ends;
  if (!end || (end.status === submission.status && submission.stdout.test(end.stdout))) return undefined;
  return `ended ${end.status} ${JSON.stringify(end.stdout)} ${end.message ?? ''}`;
}

/** Undefined: it ran once. `afterLoss`, `forWrongClock`: more often, and rightly so. Else what is wrong with it. */
function unlawful(runs: readonly Run[], { attempts, wrongClocks }: Evidence): string | undefined {
  if (runs.length < 2) return undefined;
  const inOrder = runs.toSorted((a, b) => a.attempt - b.attempt);
  let why: 'afterLoss' | 'forWrongClock' = 'afterLoss';
  for (const [index, run] of inOrder.entries()) {
    const claim = attempts.get(attemptKey(run.jobId, run.attempt));
    if (claim?.workerId !== run.workerId) return `a run of attempt ${run.attempt} that was not its worker's`;
    // Claims are numbered without gaps: whoever asked for one asked who had the last.
    if (run.attempt > 1 && !attempts.has(attemptKey(run.jobId, run.attempt - 1)))
      return `attempt ${run.attempt} did not come after another`;
    const before = inOrder[index - 1];
    if (!before) continue;
    if (before.attempt === run.attempt) return `attempt ${run.attempt} ran twice`;
    const earlier = attempts.get(attemptKey(before.jobId, before.attempt));
    if (!earlier) return `attempt ${before.attempt} ran without a claim`;
    if (earlier.ended || claim.startedAtMs >= earlier.heartbeatAtMs + earlier.leaseMs) continue;
    if (!wrongClocks.some(({ fromMs, toMs }) => fromMs <= run.atMs && before.atMs <= toMs))
      return `attempt ${run.attempt} ran while attempt ${before.attempt} was alive`;
    why = 'forWrongClock';
  }
  return why;
}
