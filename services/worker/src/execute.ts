/** The stage `code-exec`: find a slot of a runner, again and again until one takes the run. */
import { deliveryOf, inSpan, type Job, type JobId, rememberTrace, type Span, tellMoment } from '@runlane/core';
import { addLater } from './add-later.js';
import { attemptOn } from './attempt.js';
import type { Outcome } from './claimed.js';
import type { WorkerContext } from './context.js';
import { RunnerError } from './runner-connection.js';
import { wantedFor } from './runner-pool.js';
import { ATTEMPT_SPANS } from './tracing.js';

export function createExecute(context: WorkerContext) {
  const { store, queue, pool, log, draining } = context;

  /** One that was put off: its time has not come, or it was cancelled before. */
  async function isNotToRun(job: Job, notBeforeAtMs: number): Promise<boolean> {
    if (await store.isFinished(job.id)) return true;
    if (notBeforeAtMs <= Date.now()) return false;
    addLater(context, 'exec', job.id, deliveryOf(job, 'exec'));
    return true;
  }

  return async function execute(id: JobId): Promise<Outcome> {
    tellMoment(id, 'delivered');
    const [job, saved] = await Promise.all([store.job(id), store.saved(id)]);
    if (!job) return 'skipped';
    rememberTrace(job);
    if (!saved) {
      await queue.add('save', id, deliveryOf(job, 'save'));
      return 'skipped';
    }
    if (job.notBeforeAtMs !== undefined && (await isNotToRun(job, job.notBeforeAtMs))) return 'skipped';
    const checker = job.program.judge?.checker;
    // A job waits for its checker's runner as for its own, before anything is claimed.
    if (checker && !(await pool.find({ ...checker, version: saved.checker?.version ?? checker.version }, draining)))
      return 'skipped';
    const spanOptions = { kind: 'consumer', attributes: { 'runlane.job.id': id } } as const;
    for (;;) {
      const slot = await pool.acquire(wantedFor(job.program, saved.version), draining);
      if (!slot) return 'skipped';
      let busy: 'busy' | undefined;
      try {
        const attempt = (span: Span) => attemptOn(context, slot, job, saved, span);
        return await inSpan(ATTEMPT_SPANS.exec, job.trace, attempt, spanOptions);
      } catch (error) {
        // Nothing was started and no attempt is counted: another slot may be free.
        if (!(error instanceof RunnerError && error.failure === 'busy')) {
          if (error instanceof RunnerError || draining.aborted) {
            log.warn({ jobId: id, reason: (error as Error).message }, 'not admitted; left for later');
            return 'skipped';
          }
          throw error;
        }
        busy = 'busy';
      } finally {
        slot.release(busy);
      }
    }
  };
}
