/** Things that take long to make and serve once, made beforehand: here, started containers. */

export interface Poolable {
  /** Resolves when it has become useless by itself. */
  readonly gone: Promise<unknown>;
  discard(): void;
}

export interface Pool<T> {
  /** One that is ready, or else one that is being made and nobody else waits for, or else a new one. */
  take(): Promise<T>;
  /** One that was made elsewhere and has not served yet. */
  add(made: T): void;
  /** Make as many as are missing; call when there is time for that. */
  refill(): void;
  /** How many are ready. */
  readonly ready: number;
  close(): Promise<void>;
}

export interface PoolOptions<T> {
  /** How many are to be ready. */
  readonly size: number;
  readonly make: () => Promise<T>;
  /** How long nothing is made beforehand after a failure, in milliseconds. */
  readonly retryMs: number;
  /** Made beforehand at once; whoever waits for one is not counted. */
  readonly makers: number;
}

export function createPool<T extends Poolable>({ size, make, retryMs, makers }: PoolOptions<T>): Pool<T> {
  const ready: T[] = [];
  const makings = new Set<Promise<void>>();
  let making = 0;
  /** Whoever came while there was none ready, but one being made. */
  const waiters: { give(made: T): void; refuse(reason: unknown): void }[] = [];
  let retry: NodeJS.Timeout | undefined;
  let closed = false;

  function add(made: T): void {
    const waiter = waiters.shift();
    if (waiter) {
      waiter.give(made);
      return;
    }
    if (closed) {
      made.discard();
      return;
    }
    ready.push(made);
    void made.gone.then(() => {
      const at = ready.indexOf(made);
      if (at === -1) return;
      ready.splice(at, 1);
      made.discard();
      // Later: what makes them end may be lasting.
      refillLater();
    });
  }

  async function makeOne(): Promise<void> {
    making += 1;
    try {
      const made = await make().finally(() => {
        making -= 1;
      });
      add(made);
    } catch (reason) {
      waiters.shift()?.refuse(reason);
      refillLater();
    }
  }

  function refillLater(): void {
    retry ??= setTimeout(() => {
      retry = undefined;
      refill();
    }, retryMs).unref();
  }

  function refill(): void {
    while (!closed && !retry && making < makers && ready.length + making < size) {
      const one = makeOne().finally(() => {
        makings.delete(one);
        refill();
      });
      makings.add(one);
    }
  }

  return {
    get ready() {
      return ready.length;
    },
    add,
    refill,
    async take() {
      const made = ready.shift();
      if (made) return made;
      if (making <= waiters.length) return make();
      return new Promise((give, refuse) => waiters.push({ give, refuse }));
    },
    async close() {
      closed = true;
      clearTimeout(retry);
      await Promise.all(makings);
      for (const one of ready.splice(0)) one.discard();
    },
  };
}
