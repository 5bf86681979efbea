/**
 * A lane runs one program after the other, each in a sandbox of its own, on a slot that it keeps in between. It changes its slot
 * where the runner lacks the next program's language, and where the runner failed; it never waits for a slot while it has one,
 * or two jobs could wait for each other.
 */
import type { runner } from '@runlane/contract';
import type { JobId, Result, TracePlace } from '@runlane/core';
import { admit, callMsOf, toStart } from '../admit.js';
import { createCollector, follow } from '../collect.js';
import type { WorkerContext } from '../context.js';
import { endSoon } from '../end-soon.js';
import { type AdmittedRun, RunnerError } from '../runner-connection.js';
import { chosen, noRunnerFor, type Offer, type Slot, wantedFor } from '../runner-pool.js';
import { EARLIER_FAILED } from './case-list.js';
import type { Runnable } from './case-programs.js';

/** How often a program is started that runners break off or lose; then the attempt at the whole job is given up. */
const TRIES = 3;

/** A run that waits for its `go`, and the limits that it was admitted with. */
export interface Admitted {
  readonly run: AdmittedRun;
  readonly limits: runner.Start['limits'];
}

export interface Lane {
  /**
   * Run it to its end, anew where a runner failed. Aborting ends it at once.
   * @throws RunnerError when runners fail again and again, or refuse; `busy` when a spare lane finds its runner full.
   */
  run(runnable: Runnable, signal: AbortSignal, admitted?: Admitted): Promise<Result>;
  /** Give the slot back. */
  close(): void;
}

export interface LaneOptions {
  readonly jobId: JobId;
  readonly trace: TracePlace | undefined;
  /** The slot to begin with; without one, it waits for one. */
  readonly slot: Slot | undefined;
  /** Whether its slots are spare ones: it does not wait where its runner turns out to be full. */
  readonly isSpare: boolean;
  /** Called when a runner failed at a run, though it may be run again: who did that to it may be what ran. */
  readonly onLost: (error: RunnerError) => void;
  /** Called with every run that came to its end, also where it was aborted and nobody wants what came of it. */
  readonly onRan: (result: Result) => void;
}

export function createLane(context: WorkerContext, { jobId, trace, slot, isSpare, onLost, onRan }: LaneOptions): Lane {
  let held = slot;

  function letGo(outcome?: 'busy'): void {
    held?.release(outcome);
    held = undefined;
  }

  async function offerOf({ program, prepared }: Runnable, signal: AbortSignal): Promise<Offer> {
    const wanted = wantedFor(program, prepared.version);
    const offered = held && chosen(held.member.description, wanted);
    if (held && offered) return { member: held.member, language: offered };
    letGo();
    held = await context.pool.acquire(wanted, signal, isSpare);
    signal.throwIfAborted();
    if (!held) throw noRunnerFor(wanted);
    return held;
  }

  async function admitAnew(runnable: Runnable, signal: AbortSignal): Promise<Admitted> {
    const offer = await offerOf(runnable, signal);
    const { program, prepared, files } = runnable;
    const start = { ...toStart(program, offer, prepared), files: Buffer.from(files) };
    const asked = { program, start, timeoutMs: callMsOf(program, offer), trace };
    return { run: await admit(context, offer, asked), limits: start.limits };
  }

  async function runOnce(runnable: Runnable, signal: AbortSignal, admitted?: Admitted): Promise<Result> {
    const { run, limits } = admitted ?? (await admitAnew(runnable, signal));
    // What it took until then is its owner's, and only a runner that is let say so knows.
    const stop = () => (isOfTheJob(signal.reason) ? endSoon(run) : run.cancel());
    signal.addEventListener('abort', stop, { once: true });
    try {
      signal.throwIfAborted();
      run.go();
      context.metrics.started(runnable.program.language);
      const result = await follow(jobId, run, createCollector(limits), NOT_TOLD);
      onRan(result);
      signal.throwIfAborted();
      return result;
    } finally {
      signal.removeEventListener('abort', stop);
      run.cancel();
    }
  }

  return {
    async run(runnable, signal, admitted) {
      let first = admitted;
      for (let tries = 1; ; ) {
        try {
          return await runOnce(runnable, signal, first);
        } catch (error) {
          signal.throwIfAborted();
          if (!(error instanceof RunnerError) || error.failure === 'refused') throw error;
          context.metrics.runnerFailed(error.failure);
          const busy = error.failure === 'busy';
          letGo(busy ? 'busy' : undefined);
          if (error.failure === 'lost') onLost(error);
          if (busy ? isSpare : tries === TRIES) throw error;
          if (!busy) tries += 1;
          first = undefined;
        }
      }
    },
    close: () => letGo(),
  };
}

/** Whether a run is ended because of what its job or its client did, rather than the platform. */
const isOfTheJob = (reason: unknown) => reason === 'cancelled' || reason === EARLIER_FAILED;

/** Output of cases is in the result alone: side by side it would make no sense. */
const NOT_TOLD = { output: async () => {} };
