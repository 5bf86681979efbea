/** A program that never ends is ended when its time is up, neither before nor long after. */
import { runner } from '@runlane/contract';
import type { LanguageCheck } from '../check.js';
import { expect } from '../failure.js';
import { endOf, type Outcome } from '../outcome.js';

const LIMIT_MS = 1_000;
/** Clocks of two processes are compared, so a little less than the limit is no fault. */
const LEAST_MS = 900;
const MOST_MS = 3_000;
/** Processor time passes slowly on a machine that does other things too. */
const MOST_FOR_PROCESSOR_MS = 20_000;

export const wallTime: LanguageCheck = {
  name: 'wall time',
  needs: ['spin'],
  async run({ run, note }) {
    const outcome = await run('spin', { limits: { wallTimeMs: LIMIT_MS } });
    const { exited } = outcome;
    expect(exited.reason === runner.EndReason.WALL_TIME, `it ended with ${endOf(exited)} where WALL_TIME must be`);
    const took = timeOf(outcome);
    expect(took >= LEAST_MS && took <= MOST_MS, `it was ended after ${took} ms where the limit is ${LIMIT_MS} ms`);
    const { wallTimeMs } = exited;
    expect(wallTimeMs >= LEAST_MS && wallTimeMs <= MOST_MS, `wall_time_ms is ${wallTimeMs}`);
    note(`after ${took} ms`);
  },
};

export const processorTime: LanguageCheck = {
  name: 'processor time',
  needs: ['spin'],
  async run({ run, language, note }) {
    const wallTimeMs = Math.min(MOST_FOR_PROCESSOR_MS, language.maximumLimits?.wallTimeMs ?? MOST_FOR_PROCESSOR_MS);
    const outcome = await run('spin', { limits: { cpuTimeMs: LIMIT_MS, wallTimeMs } });
    const { reason } = outcome.exited;
    const took = timeOf(outcome);
    const byClock = reason === runner.EndReason.WALL_TIME;
    const asWanted = byClock || reason === runner.EndReason.CPU_TIME;
    expect(asWanted, `it ended with ${endOf(outcome.exited)} where CPU_TIME must be`);
    note(byClock ? `WALL_TIME after ${took} ms: processor time is not what ended it` : `after ${took} ms`);
  },
};

function timeOf({ startedAtMs, exitedAtMs }: Outcome): number {
  return Math.round(exitedAtMs - startedAtMs);
}
