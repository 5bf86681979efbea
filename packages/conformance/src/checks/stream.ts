/** Output comes while the program runs: five ticks, 100 ms apart, seen one by one. */
import type { LanguageCheck } from '../check.js';
import type { Conversation } from '../conversation.js';
import { expect, expectBytes } from '../failure.js';
import { expectExit, outcomeOf } from '../outcome.js';

const TICKS = 5;
const APART_MS = 100;
/** Between the first tick and the last there are 400 ms; a busy machine may move them together a little. */
const LEAST_SPREAD_MS = 300;
const AIM_MS = 50;
const MOST_LATE_MS = 500;

export const stream: LanguageCheck = {
  name: 'stream',
  needs: ['stream'],
  async run({ begin, note }) {
    const conversation = await begin('stream');
    const outcome = await outcomeOf(conversation);
    expectExit(outcome, 0);
    const expected = Array.from({ length: TICKS }, (_, tick) => `tick ${tick + 1}\n`).join('');
    expectBytes(outcome.stdout, expected, 'stdout');
    const ticks = tickTimes(conversation);
    const spread = (ticks.at(-1) ?? 0) - (ticks[0] ?? 0);
    expect(spread >= LEAST_SPREAD_MS, `the ticks came within ${Math.round(spread)} ms, and were written in 400 ms`);
    const programEndedMs = outcome.startedAtMs + outcome.exited.wallTimeMs;
    const late = Math.round(latest(ticks, programEndedMs));
    expect(late <= MOST_LATE_MS, `a tick came ${late} ms late`);
    note(`slowest tick ${late} ms late${late > AIM_MS ? `, and the aim is ${AIM_MS} ms` : ''}`);
  },
};

/** When the last byte of each line came. */
function tickTimes({ arrivals }: Conversation): number[] {
  return arrivals.flatMap(({ atMs, message }) => {
    if (message?.$case !== 'output') return [];
    return message.value.data
      .toString()
      .split('\n')
      .slice(1)
      .map(() => atMs);
  });
}

/**
 * How late the latest tick was, in milliseconds. When the program wrote a tick is known from two sides: no later than the
 * tick that came soonest after its turn allows, and no later than the program's end. Either shows a delay that the other
 * does not: of some ticks, and of all alike.
 */
function latest(ticks: readonly number[], programEndedMs: number): number {
  const sinceTurn = ticks.map((atMs, tick) => atMs - tick * APART_MS);
  const soonest = Math.min(...sinceTurn);
  const lastTurn = programEndedMs - (TICKS - 1) * APART_MS;
  return Math.max(...sinceTurn.map((turn) => Math.max(turn - soonest, turn - lastTurn)));
}
