/** Things that take long to make and serve once, made beforehand: here, started containers. */

export interface Poolable {
  /** Resolves when it has become useless by itself. */
  readonly gone: Promise<unknown>;
  discard(): void;
}

export interface Pool<T> {
  /** One that is ready, or else a new one. */
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
  const making = new Set<Promise<void>>();
  let retry: NodeJS.Timeout | undefined;
  let closed = false;

  function add(made: T): void {
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
    try {
      add(await make());
    } catch {
      // Whoever needs one now makes it himself, and is told why that fails.
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
    while (!closed && !retry && making.size < makers && ready.length + making.size < size) {
      const one = makeOne().finally(() => {
        making.delete(one);
        refill();
      });
      making.add(one);
    }
  }

  return {
    get ready() {
      return ready.length;
    },
    add,
    refill,
    take: async () => ready.shift() ?? make(),
    async close() {
      closed = true;
      clearTimeout(retry);
      await Promise.all(making);
      for (const one of ready.splice(0)) one.discard();
    },
  };
}
