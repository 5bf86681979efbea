/** The stage `code-callback`: tell a job's end to its callback, and again until somebody takes it. */
import type { DeliveryEnd } from '@runlane/contract';
import {
  type BegunCall,
  inSpan,
  isOver,
  type JobId,
  type JobView,
  messageIdOf,
  type OwnerId,
  rememberTrace,
} from '@runlane/core';
import { addLater } from '../add-later.js';
import type { Outcome } from '../claimed.js';
import type { WorkerContext } from '../context.js';
import { tellWait } from '../tracing.js';
import { bodyOf } from './body.js';
import type { MakeCall } from './call.js';
import type { Answer } from './post.js';
import type { Receivers } from './receivers.js';
import { pauseAfter } from './schedule.js';

export interface DeliverTerms {
  readonly makeCall: MakeCall;
  readonly receivers: Receivers;
  readonly maxCalls: number;
  readonly firstPauseMs: number;
  /** How long a call may be under way before it counts as lost, in milliseconds. */
  readonly leaseMs: number;
}

/** `410 Gone`: the receiver says that it wants nothing more. */
const GONE = 410;

export function createDeliver(context: WorkerContext, terms: DeliverTerms) {
  const { store, metrics, log, workerId } = context;
  const { callbacks } = store;
  const { makeCall, receivers, maxCalls, firstPauseMs, leaseMs } = terms;

  /** What the callback has come to after this many calls; undefined: it is to be called again. */
  function endOf({ statusCode = 0 }: Answer, calls: number): DeliveryEnd | undefined {
    if (statusCode >= 200 && statusCode < 300) return 'delivered';
    if (statusCode === GONE) return 'gone';
    return calls >= maxCalls ? 'given_up' : undefined;
  }

  async function conclude(id: JobId, outcome: DeliveryEnd, calls: number): Promise<void> {
    if (await callbacks.conclude(id, outcome, calls)) metrics.told(outcome);
    if (outcome !== 'delivered') log.info({ jobId: id, outcome, calls }, 'a callback is called no more');
  }

  async function callOnce(view: JobView, url: URL): Promise<Outcome> {
    const { id, ownerId, trace } = view.job;
    rememberTrace(view.job);
    const asked = await callbacks.begin(id, { workerId, leaseMs, maxCalls });
    if (asked.outcome === 'exhausted') await conclude(id, endOf(asked.last, asked.calls) ?? 'given_up', asked.calls);
    if (asked.outcome !== 'begun') return 'skipped';
    const timestamp = Math.floor(Date.now() / 1_000);
    const { number } = asked.call;
    if (number === 1 && view.finishedAtMs !== undefined) tellWait(view.job, 'callback', view.finishedAtMs, Date.now());
    const answer = await inSpan(
      'callback',
      trace,
      async (span) => {
        const made = await makeCall(url, { id: messageIdOf(id), timestamp, body: bodyOf(view) });
        if (made.statusCode !== undefined) span.tell({ 'http.response.status_code': made.statusCode });
        if (endOf(made, maxCalls) !== 'delivered') span.fail(made.error ?? 'not_taken');
        return made;
      },
      { kind: 'client', attributes: { 'runlane.job.id': id, 'runlane.call': number } },
    );
    return take(asked.call, answer, ownerId);
  }

  /** Record what came of a call, and see to what comes next. */
  async function take(call: BegunCall, { retryAfterMs, ...answer }: Answer, ownerId: OwnerId): Promise<Outcome> {
    const { id, number } = call;
    const { statusCode, error } = answer;
    metrics.called(error ?? `${Math.floor((statusCode ?? 0) / 100)}xx`);
    const end = endOf(answer, number);
    if (end) {
      await callbacks.end(call, answer);
      await conclude(id, end, number);
      return end === 'delivered' ? 'done' : 'failed';
    }
    const pauseMs = pauseAfter({ number, firstPauseMs, ...(retryAfterMs !== undefined && { retryAfterMs }) });
    const nextAtMs = Math.round(Date.now() + pauseMs);
    await callbacks.end(call, { ...answer, nextAtMs });
    log.info({ jobId: id, call: number, ...answer, nextAtMs }, 'a callback did not take it; it is called again');
    addLater(context, 'callback', id, { ownerId, notBeforeAtMs: nextAtMs });
    return 'failed';
  }

  return async function deliver(id: JobId): Promise<Outcome> {
    const called = await callbacks.calledFor(id);
    if (!called) return 'skipped';
    const url = new URL(called.url);
    const leave = receivers.enter(url);
    if (!leave) {
      addLater(context, 'callback', id, { ownerId: called.ownerId, notBeforeAtMs: receivers.nextTurnAtMs(url) });
      return 'skipped';
    }
    try {
      const view = await store.get(id);
      return view && isOver(view) ? await callOnce(view, url) : 'skipped';
    } finally {
      leave();
    }
  };
}
