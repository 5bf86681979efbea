/** One attempt to run a job on one runner: have it admitted, claim it, start it, pass its output on, store how it ended. */
import { inSpan, type Job, type Result, resultWithoutRun, type Saved, type Span, tellMoment } from '@runlane/core';
import { admit, callMsOf, toStart } from './admit.js';
import { whileAttached } from './attached.js';
import {
  brokenOff,
  claimStage,
  endJob,
  endWithoutRun,
  lostWhileInteractive,
  type Outcome,
  retryLater,
  throughOutages,
  withLease,
} from './claimed.js';
import { type Collector, createCollector, follow } from './collect.js';
import type { WorkerContext } from './context.js';
import { endSoon } from './end-soon.js';
import { createFeedWriter, type FeedWriter } from './feed-writer.js';
import { firstProgram } from './judge/case-programs.js';
import { type Judged, judge } from './judge/judge.js';
import { keepFiles } from './produced-files.js';
import { type AdmittedRun, RunnerError } from './runner-connection.js';
import type { Slot } from './runner-pool.js';
import type { Beginning } from './tracing.js';

/** One attempt on one runner. @throws RunnerError `busy` or `away`: it did not take the run, and nothing is counted. */
export async function attemptOn(
  context: WorkerContext,
  slot: Slot,
  job: Job,
  saved: Saved,
  span: Span,
): Promise<Outcome> {
  const { id, program } = job;
  const readyAtMs = saved.savedAtMs && Math.max(saved.savedAtMs, job.notBeforeAtMs ?? 0);
  const beginning = { span, begunAtMs: Date.now(), readyAtMs };
  const first = firstProgram(program);
  const start = toStart(first, slot, saved);
  let run: AdmittedRun;
  try {
    const asked = { program: first, start, timeoutMs: callMsOf(first, slot), trace: span.place };
    run = await inSpan('admit', span.place, () => admit(context, slot, asked));
    tellMoment(id, 'admitted');
  } catch (error) {
    return await notAdmitted(context, job, error, beginning);
  }
  try {
    const claim = await claimStage(context, job, 'exec', beginning);
    if (!claim) return 'skipped';
    tellMoment(id, 'claimed');
    const events = createFeedWriter(context.feed, id, claim.attempt, context.log);
    const putFile = (bytes: Uint8Array) =>
      throughOutages(context, id, () => context.artifacts.put(bytes, { durable: true }));
    return await withLease(context, job, claim, async (signal, abandon) => {
      const stop = () => {
        if (signal.reason !== 'cancelled') run.cancel();
        // The runs of a judged job are its lanes' to end.
        else if (!program.cases) endSoon(run);
      };
      signal.addEventListener('abort', stop, { once: true });
      const collected = createCollector(start.limits);
      const over = new AbortController();
      let begun = false;
      try {
        signal.throwIfAborted();
        events.status('running');
        begun = true;
        if (program.interactive) void whileAttached(context, id, run, over.signal, abandon);
        const { result: ran, cpuTimeMs } = program.cases
          ? await judge(context, { job, saved, slot, admitted: { run, limits: start.limits }, events, signal, span })
          : await inSpan('run', span.place, () => runAlone(context, job, run, collected, events));
        // Before the result that names them: who reads it finds them.
        const result = { ...ran, ...(await keepFiles(collected.produced, putFile)) };
        // What a cancelled run took until then is known as well as any other's.
        const ended = signal.reason === 'cancelled' ? asCancelled(result) : result;
        await endJob(context, job, claim.attempt, ended, cpuTimeMs);
        tellMoment(id, 'finished');
        await events.end();
        return 'done';
      } catch (error) {
        if (signal.reason === 'cancelled') {
          await endJob(context, job, claim.attempt, { ...resultWithoutRun('cancelled'), ...collected.output() });
          await events.end();
          return 'done';
        }
        if (!signal.aborted && error instanceof RunnerError && error.failure === 'refused') {
          await endJob(context, job, claim.attempt, { ...refusedResult(error), ...collected.output() });
          await events.end();
          return 'done';
        }
        const outcome = brokenOff(context, claim, { signal, span, error });
        if (!begun || !program.interactive) return outcome;
        const ended = lostWhileInteractive('the platform lost the run');
        await endJob(context, job, claim.attempt, { ...ended, ...collected.output() });
        await events.end();
        return 'done';
      } finally {
        over.abort();
      }
    });
  } finally {
    run.cancel();
  }
}

async function runAlone(
  { metrics }: WorkerContext,
  { id, program }: Job,
  run: AdmittedRun,
  collected: Collector,
  events: FeedWriter,
): Promise<Judged> {
  run.go();
  metrics.started(program.language);
  const result = await follow(id, run, collected, events);
  return { result, cpuTimeMs: result.cpuTimeMs };
}

/** What becomes of a run that its runner did not admit. @throws what it was given where no runner took the run. */
async function notAdmitted(context: WorkerContext, job: Job, error: unknown, beginning: Beginning): Promise<Outcome> {
  if (error instanceof RunnerError) context.metrics.runnerFailed(error.failure);
  if (!(error instanceof RunnerError) || error.failure === 'busy' || error.failure === 'away') throw error;
  if (error.failure === 'refused') {
    await endWithoutRun(context, job, refusedResult(error));
    return 'done';
  }
  // Counted, though nothing ran: a job that no runner can begin would be tried for ever.
  const claim = await claimStage(context, job, 'exec', beginning);
  if (!claim) return 'skipped';
  beginning.span.fail(error.failure);
  context.log.warn({ jobId: job.id, attempt: claim.attempt, reason: error.message }, 'not admitted');
  await retryLater(context, job, claim);
  return 'failed';
}

/** No other attempt would change it. */
function refusedResult({ message }: RunnerError): Result {
  return resultWithoutRun('error', { message: `the runner refused: ${message}` });
}

function asCancelled({ message: _, ...result }: Result): Result {
  return { ...result, status: 'cancelled' };
}
