/** Work under a claim: the lease is kept alive while the work goes on, and the claim given up when there is no result. */

import { setTimeout as sleep } from 'node:timers/promises';
import { RunlaneError } from '@runlane/contract';
import type { Claim, Job, JobId, Result, Span, Stage } from '@runlane/core';
import { ANONYMOUS, deliveryOf, inSpan, resultWithoutRun } from '@runlane/core';
import { addLater } from './add-later.js';
import type { WorkerContext } from './context.js';
import { createFeedWriter } from './feed-writer.js';
import { RunnerError } from './runner-connection.js';
import { type Beginning, tellLost, tellWait } from './tracing.js';

/** How a piece of work under a claim went: it led to a result, to the next stage, or to nothing. */
export type Outcome = 'done' | 'failed' | 'handed_back' | 'skipped';

/** Delay before the platform's second attempt, and before those after it, in milliseconds. */
const RETRY_DELAYS_MS = [2_000, 10_000] as const;
/** How long a result is kept trying to be stored, in milliseconds; then another attempt runs. */
const STORE_WITHIN_MS = 60_000;

/**
 * Claim a stage of a job, or say why not. A job whose attempts are used up is ended here with `error`.
 * Undefined: there is nothing to do for this worker.
 */
export async function claimStage(
  context: WorkerContext,
  job: Job,
  stage: Stage,
  { span, begunAtMs, readyAtMs }: Beginning,
): Promise<Claim | undefined> {
  const { id, program } = job;
  const runsOnce = stage === 'exec' && program.interactive !== undefined;
  const claimed = await context.store.claim(id, stage, context.workerId, runsOnce, span.place);
  const before = 'before' in claimed ? claimed.before : undefined;
  const lost = before?.ended ? undefined : before;
  if (lost) {
    context.metrics.leaseLost(stage, 'taken_over');
    tellLost(job, stage, lost);
  }
  if (claimed.outcome === 'exhausted') {
    const message = `the platform could not run this in ${claimed.attempts} attempts`;
    await endWithoutRun(context, job, resultWithoutRun('error', { message }));
  }
  if (claimed.outcome !== 'claimed') return undefined;
  const { attempt } = claimed.claim;
  span.tell({ 'runlane.attempt': attempt });
  const waitedFromMs = before?.heartbeatAtMs ?? readyAtMs;
  if (waitedFromMs !== undefined) {
    context.metrics.waited(stage, begunAtMs - waitedFromMs);
    tellWait(job, stage, waitedFromMs, begunAtMs);
  }
  if (before) context.metrics.retried(stage);
  if (runsOnce && lost) {
    await endJob(context, job, attempt, lostWhileInteractive('the worker that ran it was lost'));
    await createFeedWriter(context.feed, id, attempt, context.log).end();
    return undefined;
  }
  return claimed.claim;
}

/** What becomes of an interactive program whose run broke off: whoever talked to it cannot do so again. */
export function lostWhileInteractive(reason: string): Result {
  return resultWithoutRun('error', { message: `${reason}; an interactive program is not run a second time` });
}

/**
 * Do `work` while heartbeats keep the lease; then, unless it led on, give the claim up. The signal of `work` aborts when the
 * lease is as good as lost, when the worker stops, or when the job was cancelled; its `reason` tells which. `abandon` is for
 * work that has cancelled the job itself.
 */
export async function withLease(
  context: WorkerContext,
  job: Job,
  claim: Claim,
  work: (signal: AbortSignal, abandon: () => void) => Promise<'done' | 'failed' | 'handed_back'>,
): Promise<Outcome> {
  const outcome = await whileBeating(context, claim, work);
  // Only now: a heartbeat that came later would take the release back.
  if (outcome === 'failed') await retryLater(context, job, claim);
  else if (outcome === 'handed_back') await context.store.release(claim, context.workerId, 'handed_back');
  return outcome;
}

async function whileBeating<T>(
  context: WorkerContext,
  claim: Claim,
  work: (signal: AbortSignal, abandon: () => void) => Promise<T>,
): Promise<T> {
  const abort = new AbortController();
  const { store, feed, leaseMs, workerId, metrics, log, stopping } = context;
  let aliveAtMs = performance.now();
  let beating: Promise<void> | undefined;
  async function beat(): Promise<void> {
    const sentAtMs = performance.now();
    try {
      await store.heartbeat(claim, workerId);
      aliveAtMs = sentAtMs;
      if (await store.isCancelled(claim.id)) abort.abort('cancelled');
    } catch (error) {
      log.warn({ jobId: claim.id, reason: (error as Error).message }, 'heartbeat did not get through');
    }
    beating = undefined;
  }
  const timer = setInterval(() => {
    if (performance.now() - aliveAtMs <= (leaseMs * 2) / 3) beating ??= beat();
    else if (!abort.signal.aborted) {
      metrics.leaseLost(claim.stage, 'given_up');
      abort.abort('lease_lost');
    }
  }, leaseMs / 3);
  const stop = () => abort.abort('stopping');
  stopping.addEventListener('abort', stop, { once: true });
  const deaf = feed.onWish(claim.id, ({ type }) => type === 'cancel' && abort.abort('cancelled'));
  try {
    if (stopping.aborted) stop();
    // Asked after the claim was made: whoever cancels looks for a claim after recording the wish, so one of us sees it.
    else if (await store.isCancelled(claim.id)) abort.abort('cancelled');
    return await work(abort.signal, () => abort.abort('cancelled'));
  } finally {
    clearInterval(timer);
    stopping.removeEventListener('abort', stop);
    deaf();
    await beating;
  }
}

/**
 * What becomes of a claim whose work broke off. Not counted is what is no fault of the job's: an orderly stop of this worker, and
 * a runner that is away, for which the job waits as it would have before it was claimed.
 */
function becomes(signal: AbortSignal, error: unknown): 'failed' | 'handed_back' {
  if (signal.aborted) return signal.reason === 'stopping' ? 'handed_back' : 'failed';
  return error instanceof RunnerError && error.failure === 'away' ? 'handed_back' : 'failed';
}

/** Tell of work under a claim that broke off; what becomes of the claim. */
export function brokenOff(
  { metrics, log }: WorkerContext,
  { id, stage, attempt }: Claim,
  { signal, span, error }: { readonly signal: AbortSignal; readonly span: Span; readonly error: unknown },
): 'failed' | 'handed_back' {
  span.fail(signal.aborted ? String(signal.reason) : 'broke_off');
  if (error instanceof RunnerError) metrics.runnerFailed(error.failure);
  const reason = signal.aborted ? signal.reason : (error as Error).message;
  log.warn({ jobId: id, attempt, reason }, stage === 'save' ? 'could not save' : 'attempt broke off');
  return becomes(signal, error);
}

/** Give a claim up after the platform failed, and have the job delivered again, later each time. */
export async function retryLater(context: WorkerContext, job: Job, claim: Claim): Promise<void> {
  await context.store.release(claim, context.workerId, 'failed');
  const delayMs = RETRY_DELAYS_MS[claim.attempt === 1 ? 0 : 1];
  const notBeforeAtMs = Date.now() + delayMs * (0.75 + Math.random() / 2);
  addLater(context, claim.stage, job.id, { ...deliveryOf(job, claim.stage), notBeforeAtMs });
}

/** End a job that no attempt ended, and its feed: under a number of its own, as an earlier one's `end` may be refused. */
export async function endWithoutRun(context: WorkerContext, job: Job, result: Result): Promise<void> {
  const attempt = (await context.store.get(job.id))?.attempt ?? 0;
  await endJob(context, job, attempt, result);
  await createFeedWriter(context.feed, job.id, attempt + 1, context.log).end();
}

/**
 * Store a result, through outages of up to a minute, and count it when it was the first; true in that case.
 * @param cpuTimeMs what all that ran for it took: of several runs, the result itself tells the longest.
 */
export async function endJob(
  context: WorkerContext,
  job: Job,
  attempt: number,
  result: Result,
  cpuTimeMs = result.cpuTimeMs,
): Promise<boolean> {
  const { store, meters, metrics, log } = context;
  const { id, program } = job;
  try {
    const first = await inSpan(
      'result',
      job.trace,
      () => throughOutages(context, id, () => store.finish(id, attempt, result)),
      { attributes: { 'runlane.status': result.status, 'runlane.attempt': attempt } },
    );
    if (first) {
      metrics.ended(program.language, result.status);
      tellCallback(context, job);
      // Nobody asks how much those without a key have used.
      if (job.ownerId !== ANONYMOUS) await meters.cpuTimeMs.add(job.ownerId, cpuTimeMs);
    } else log.info({ jobId: id, attempt }, 'another result came first; this one is dropped');
    return first;
  } catch (error) {
    if (!isTooLarge(error)) throw error;
    // A job must end even if its output cannot be stored.
    const message = `the result cannot be stored: ${result.stdout.length + result.stderr.length} bytes of output are too much`;
    return endJob(context, job, attempt, resultWithoutRun('error', { message }), cpuTimeMs);
  }
}

/** Owed since its acceptance: where this is lost, the reconciler adds it. */
function tellCallback({ queue, log }: WorkerContext, { id, ownerId, callbackUrl }: Job): void {
  if (callbackUrl === undefined) return;
  queue
    .add('callback', id, { ownerId })
    .catch(() => log.warn({ jobId: id }, 'the callback is not queued; the reconciler will'));
}

/** Store something that belongs to a result, again and again while the store is away, for up to a minute. */
export async function throughOutages<T>(context: WorkerContext, id: JobId, store: () => Promise<T>): Promise<T> {
  const giveUpAtMs = performance.now() + STORE_WITHIN_MS;
  for (let delayMs = 300; ; delayMs = Math.min(delayMs * 2, 5_000)) {
    try {
      return await store();
    } catch (error) {
      if (isTooLarge(error) || performance.now() > giveUpAtMs || context.stopping.aborted) throw error;
      context.log.warn({ jobId: id, reason: (error as Error).message }, 'the result is not stored yet');
      await sleep(delayMs * (0.75 + Math.random() / 2));
    }
  }
}

const isTooLarge = (error: unknown) => error instanceof RunlaneError && error.code === 'PAYLOAD_TOO_LARGE';
