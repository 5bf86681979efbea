/**
 * A program judged by its cases, side by side: one lane on the job's own slot, and others on slots that nobody else wants. The
 * verdicts do not depend on which case ends first.
 */
import type { CaseResult, Job, Result, Saved, Span, TestCase } from '@runlane/core';
import { resultWithoutRun, toJudgedCase } from '@runlane/core';
import type { WorkerContext } from '../context.js';
import type { FeedWriter } from '../feed-writer.js';
import { RunnerError } from '../runner-connection.js';
import { type Slot, wantedFor } from '../runner-pool.js';
import { createCaseList } from './case-list.js';
import { caseToRun, checkerToRun } from './case-programs.js';
import { skipped, streamBytesOf, toCaseResult, toJobResult } from './case-results.js';
import { type Admitted, createLane, type Lane } from './lane.js';
import { type Finding, findingOfChecker, findingOfOutput, findingOfRun } from './verdict.js';

export interface Judging {
  readonly job: Job;
  readonly saved: Saved;
  /** The job's own slot, and the run of the first case, which its runner has admitted. */
  readonly slot: Slot;
  readonly admitted: Admitted;
  readonly events: Pick<FeedWriter, 'judged'>;
  /** Aborts when the attempt is to end; after `cancelled`, with the verdicts so far. */
  readonly signal: AbortSignal;
  /** Of the attempt. */
  readonly span: Span;
}

export interface Judged {
  readonly result: Result;
  /** Of everything that ran for it: checkers, and cases that do not count in the end, too. */
  readonly cpuTimeMs: number;
}

/** @throws RunnerError when runners failed again and again, or are away; the signal's reason when it aborted for another one than `cancelled`. */
export async function judge(context: WorkerContext, judging: Judging): Promise<Judged> {
  const { job, saved, slot, events, signal, span } = judging;
  const { cases = [], judge: how } = job.program;
  const list = createCaseList({
    count: cases.length,
    stopAtFirstFailure: how?.stopAtFirstFailure ?? false,
    tell: (result) => {
      context.metrics.judged(job.program.language, result.verdict);
      events.judged(toJudgedCase(result));
    },
  });
  const stop = () => list.giveUp(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const streamBytes = streamBytesOf(cases.length);
  const lanes = new Set<Promise<void>>();
  let admitted: Admitted | undefined = judging.admitted;
  let isolation = '';
  let cpuTimeMs = 0;
  let lost: RunnerError | undefined;

  async function judgeCase(
    testCase: TestCase,
    index: number,
    lane: Lane,
    caseSignal: AbortSignal,
  ): Promise<CaseResult> {
    const first = index === 0 ? admitted : undefined;
    if (first) admitted = undefined;
    const ran = await lane.run(caseToRun(job.program, testCase, saved), caseSignal, first);
    isolation = ran.isolation;
    const finding = findingOfRun(ran) ?? (await findingOf(testCase, ran, lane, caseSignal));
    return toCaseResult(index, testCase, ran, finding, streamBytes);
  }

  async function findingOf(testCase: TestCase, ran: Result, lane: Lane, caseSignal: AbortSignal): Promise<Finding> {
    const comparison = testCase.comparison ?? how?.comparison ?? { mode: 'trimmed' };
    const { expectedStdout } = testCase;
    if (comparison.mode !== 'checker' || !how?.checker || !saved.checker)
      return findingOfOutput(comparison, expectedStdout, ran.stdout);
    const files = {
      input: testCase.stdin ?? job.program.stdin,
      output: ran.stdout,
      answer: expectedStdout ?? new Uint8Array(),
    };
    try {
      return findingOfChecker(await lane.run(checkerToRun(how.checker, saved.checker, files), caseSignal));
    } catch (error) {
      if (!isRefusal(error)) throw error;
      // Such as limits below which its files have no room: that is whose checker it is to mend.
      return { verdict: 'checker_failed', message: `the checker failed: the runner refused it: ${error.message}` };
    }
  }

  async function work(lane: Lane, isSpare: boolean): Promise<void> {
    for (let taken = list.take(); taken; taken = list.take()) {
      const { index, signal: caseSignal } = taken;
      try {
        list.settle(await judgeCase(cases[index] as TestCase, index, lane, caseSignal));
      } catch (error) {
        if (caseSignal.aborted) continue;
        if (!(isSpare && error instanceof RunnerError && error.failure === 'busy')) throw error;
        list.putBack(index);
        return;
      }
      if (isSpare && context.pool.isWanted()) return;
      widen();
    }
  }

  function open(laneSlot: Slot | undefined, isSpare: boolean): void {
    const onLost = (error: RunnerError) => {
      lost ??= error;
    };
    const onRan = (ran: Result) => {
      cpuTimeMs += ran.cpuTimeMs;
    };
    const lane = createLane(context, { jobId: job.id, trace: span.place, slot: laneSlot, isSpare, onLost, onRan });
    const working = work(lane, isSpare)
      .catch((error: unknown) => list.giveUp(error))
      .finally(() => {
        lane.close();
        lanes.delete(working);
      });
    lanes.add(working);
  }

  /** As many lanes as there is work for and slots that nobody wants. */
  function widen(): void {
    while (list.waiting() > 0) {
      const spare = context.pool.spare(wantedFor(job.program, saved.version));
      if (!spare) return;
      open(spare, true);
    }
  }

  try {
    open(slot, false);
    widen();
    while (lanes.size > 0) {
      await Promise.all(lanes);
      // A lane that found its runner full has put its case back, and no other may have been left to take it.
      if (lanes.size === 0 && list.waiting() > 0) open(undefined, false);
    }
  } finally {
    signal.removeEventListener('abort', stop);
  }
  const failure = list.failure();
  if (isRefusal(failure)) {
    const message = `the runner refused: ${failure.message}`;
    return { result: resultWithoutRun('error', { message }), cpuTimeMs };
  }
  // Runners that are away are nobody's fault, and not counted; where one was lost first, this job may be why.
  if (failure !== undefined && signal.reason !== 'cancelled') throw isAway(failure) ? (lost ?? failure) : failure;
  const results = cases.map((testCase, index) => list.result(index) ?? skipped(index, testCase));
  list.tellRest(results);
  return { result: toJobResult(results, isolation), cpuTimeMs };
}

function isAway(failure: unknown): boolean {
  return failure instanceof RunnerError && failure.failure === 'away';
}

/** Whether no other attempt will change it. */
function isRefusal(failure: unknown): failure is RunnerError {
  return failure instanceof RunnerError && failure.failure === 'refused';
}
