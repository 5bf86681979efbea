/** Keeps one slow receiver from holding up all others: each has a share of the calls at once. */

export interface Receivers {
  /** Take one of the receiver's places: call what this returns to give it back. Undefined: none is free. */
  enter(url: URL): (() => void) | undefined;
  readonly calls: number;
}

/** @param most calls of one receiver at once. */
export function createReceivers(most: number): Receivers {
  const places = new Map<string, number>();
  let calls = 0;
  return {
    get calls() {
      return calls;
    },
    enter({ host }) {
      const taken = places.get(host) ?? 0;
      if (taken >= most) return undefined;
      places.set(host, taken + 1);
      calls += 1;
      return () => {
        const left = (places.get(host) ?? 1) - 1;
        if (left > 0) places.set(host, left);
        else places.delete(host);
        calls -= 1;
      };
    },
  };
}
