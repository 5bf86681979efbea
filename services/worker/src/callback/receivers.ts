/** Keeps one slow receiver from holding up all others: each has a share of the calls at once. */

export interface Receivers {
  /** Take one of the receiver's places: call what this returns to give it back. Undefined: none is free. */
  enter(url: URL): (() => void) | undefined;
  /** When whoever found no place is to come again: one after the other, for there may be thousands. */
  nextTurnAtMs(url: URL): number;
  /** Places that are taken. */
  readonly calls: number;
}

interface Places {
  taken: number;
  nextTurnAtMs: number;
}

const FIRST_TURN_MS = 1_000;
const BETWEEN_TURNS_MS = 50;
/** A receiver that was slow may be quick again. */
const LAST_TURN_MS = 60_000;

/** @param most calls of one receiver at once. */
export function createReceivers(most: number, now: () => number = Date.now): Receivers {
  const receivers = new Map<string, Places>();
  const of = ({ host }: URL): Places => receivers.get(host) ?? { taken: 0, nextTurnAtMs: 0 };
  let calls = 0;
  return {
    get calls() {
      return calls;
    },
    enter(url) {
      const places = of(url);
      if (places.taken >= most) return undefined;
      receivers.set(url.host, places);
      places.taken += 1;
      calls += 1;
      return () => {
        places.taken -= 1;
        calls -= 1;
        if (places.taken === 0) receivers.delete(url.host);
      };
    },
    nextTurnAtMs(url) {
      const places = of(url);
      const turnAtMs = Math.max(places.nextTurnAtMs, now() + FIRST_TURN_MS);
      places.nextTurnAtMs = turnAtMs + BETWEEN_TURNS_MS;
      return Math.min(turnAtMs, now() + LAST_TURN_MS);
    },
  };
}
