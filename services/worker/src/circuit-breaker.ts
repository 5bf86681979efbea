/**
 * Leaves a runner alone that loses one run after another, though its health says that it serves: it is tried again with a single
 * run, ever later, until one goes well. Jobs meanwhile go to other runners, or wait; only those it is tried with use up attempts.
 */

/** Losses in a row that are still chance: one program may take its runner with it. */
const LOSSES_IN_A_ROW = 3;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

export interface CircuitBreaker {
  /** A run, or a compile, went its way, however the program ended. */
  succeeded(): void;
  /** The runner lost it. How long the runner is left alone now, in milliseconds; 0 where it is not. */
  lost(): number;
  /** It went away and is back, perhaps mended. */
  tryAgain(): void;
  /** How many runs may be under way there now, of those that it has slots for. */
  most(slots: number): number;
}

/** @param now in milliseconds, of a clock that never goes back. */
export function createCircuitBreaker(now = () => performance.now()): CircuitBreaker {
  let losses = 0;
  let pauseMs = FIRST_PAUSE_MS;
  let leftAloneUntilMs = 0;

  return {
    succeeded() {
      losses = 0;
      pauseMs = FIRST_PAUSE_MS;
    },
    lost() {
      losses += 1;
      // Runs that were under way beside the last one say nothing new.
      if (losses < LOSSES_IN_A_ROW || now() < leftAloneUntilMs) return 0;
      const thisPauseMs = pauseMs;
      leftAloneUntilMs = now() + thisPauseMs;
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      return thisPauseMs;
    },
    tryAgain() {
      leftAloneUntilMs = 0;
    },
    most(slots) {
      if (losses < LOSSES_IN_A_ROW) return slots;
      return now() < leftAloneUntilMs ? 0 : Math.min(1, slots);
    },
  };
}
