/**
 * A line in which those who wait take turns, though one of them brought ten thousand and another one: self-clocked fair
 * queueing (Golestani, INFOCOM 1994). Each item's finish tag is its flow's last one, or the clock where that is later, plus
 * its cost; the lowest tag is next, and the clock is the tag of what was last taken. Nobody starves: of two flows that always
 * wait, one whose items cost twice as much gets half as many turns.
 * `adapters/bull/turns.ts` is the same in Redis.
 */
export interface FairLine<T> {
  /** @param flow whose it is. @param cost above 0. */
  add(flow: string, cost: number, item: T): void;
  /** Take the next one; undefined when nobody waits. */
  next(): T | undefined;
  readonly length: number;
  /** All that wait, in no order. */
  all(): Iterable<T>;
  /** All that wait, the next one first. */
  items(): T[];
}

interface Place<T> {
  readonly tag: number;
  /** Of equal tags, the one that came first is first. */
  readonly number: number;
  readonly item: T;
}

/** One flow: its places, in order, from `head` on. */
interface Flow<T> {
  places: Place<T>[];
  head: number;
}

/** Places that were taken are dropped so many at a time: moving up a long line for each would cost its length. */
const DROPPED_AT_ONCE = 1_024;

export function createFairLine<T>(): FairLine<T> {
  const flows = new Map<string, Flow<T>>();
  let clock = 0;
  let numbers = 0;
  let length = 0;

  function firstFlow(): [string, Flow<T>] | undefined {
    let first: [string, Flow<T>] | undefined;
    for (const each of flows) if (!first || isBefore(headOf(each[1]), headOf(first[1]))) first = each;
    return first;
  }

  function takeHead(name: string, flow: Flow<T>): Place<T> {
    const place = headOf(flow);
    flow.head += 1;
    // Its last tag is the clock now: nothing need be remembered of it.
    if (flow.head === flow.places.length) flows.delete(name);
    else if (flow.head === DROPPED_AT_ONCE) {
      flow.places = flow.places.slice(flow.head);
      flow.head = 0;
    }
    return place;
  }

  return {
    add(name, cost, item) {
      const flow = flows.get(name) ?? { places: [], head: 0 };
      flows.set(name, flow);
      const last = flow.places.at(-1)?.tag ?? clock;
      numbers += 1;
      flow.places.push({ tag: Math.max(clock, last) + cost, number: numbers, item });
      length += 1;
    },
    next() {
      const first = firstFlow();
      if (!first) return undefined;
      const { tag, item } = takeHead(...first);
      clock = tag;
      length -= 1;
      return item;
    },
    get length() {
      return length;
    },
    *all() {
      for (const { places, head } of flows.values())
        for (let at = head; at < places.length; at += 1) yield (places[at] as Place<T>).item;
    },
    items: () =>
      [...flows.values()]
        .flatMap(({ places, head }) => places.slice(head))
        .toSorted((a, b) => (isBefore(a, b) ? -1 : 1))
        .map(({ item }) => item),
  };
}

const headOf = <T>({ places, head }: Flow<T>) => places[head] as Place<T>;

const isBefore = <T>(a: Place<T>, b: Place<T>) => a.tag < b.tag || (a.tag === b.tag && a.number < b.number);
