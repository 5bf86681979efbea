/** Queues in this process's memory: fast, and rebuilt from the store by the reconciler when the process starts again. */
import { createFairLine, type FairLine } from '../../fair-line.js';
import type { JobId } from '../../job.js';
import { type DeliveryHandler, type JobQueue, QUEUED_STAGES, type QueuedStage, turnOf } from '../../job-queue.js';

/** What is known of a delivery; the board shows it. */
export interface Delivery {
  readonly id: JobId;
  readonly addedAtMs: number;
  readonly ownerId: string;
  readonly priority: number;
  readonly notBeforeAtMs: number;
}

export interface EmbeddedJobQueue extends JobQueue {
  /** Deliveries by state, the next one first. */
  deliveries(stage: QueuedStage): { waiting: Delivery[]; delayed: Delivery[]; active: Delivery[] };
}

interface Lane {
  readonly waiting: FairLine<Delivery>;
  readonly delayed: Map<JobId, { delivery: Delivery; timer: NodeJS.Timeout }>;
  readonly active: Map<JobId, Delivery>;
  /** Everything that waits, is delayed or active. */
  readonly known: Set<JobId>;
  concurrency: number;
  handler: DeliveryHandler | undefined;
}

export function createEmbeddedJobQueue(onBug: (error: unknown) => void): EmbeddedJobQueue {
  const newLane = (): Lane => ({
    waiting: createFairLine(),
    delayed: new Map(),
    active: new Map(),
    known: new Set(),
    concurrency: 0,
    handler: undefined,
  });
  const lanes: Record<QueuedStage, Lane> = { save: newLane(), exec: newLane(), callback: newLane() };
  let paused = false;

  function enqueue(lane: Lane, delivery: Delivery): void {
    const { flow, cost } = turnOf(delivery);
    lane.waiting.add(flow, cost, delivery);
    start(lane);
  }

  function start(lane: Lane): void {
    while (!paused && lane.handler && lane.active.size < lane.concurrency) {
      const delivery = lane.waiting.next();
      if (!delivery) return;
      lane.active.set(delivery.id, delivery);
      void deliver(lane, lane.handler, delivery);
    }
  }

  async function deliver(lane: Lane, handler: DeliveryHandler, delivery: Delivery): Promise<void> {
    try {
      await handler(delivery.id);
    } catch (error) {
      onBug(error);
    } finally {
      lane.active.delete(delivery.id);
      lane.known.delete(delivery.id);
      start(lane);
    }
  }

  return {
    async add(stage, id, { ownerId = '', priority = 0, notBeforeAtMs = 0 } = {}) {
      const lane = lanes[stage];
      if (lane.known.has(id)) return;
      lane.known.add(id);
      const delivery: Delivery = { id, addedAtMs: Date.now(), ownerId, priority, notBeforeAtMs };
      const waitMs = notBeforeAtMs - delivery.addedAtMs;
      if (waitMs <= 0) return enqueue(lane, delivery);
      const timer = setTimeout(() => {
        lane.delayed.delete(id);
        enqueue(lane, delivery);
      }, waitMs);
      lane.delayed.set(id, { delivery, timer });
    },
    process(stage, concurrency, handler) {
      Object.assign(lanes[stage], { concurrency, handler });
      start(lanes[stage]);
    },
    async takeBack(stage, id) {
      const { delayed, known } = lanes[stage];
      clearTimeout(delayed.get(id)?.timer);
      if (delayed.delete(id)) known.delete(id);
    },
    missing: async (stage, expected) =>
      new Set(expected.filter(({ id }) => !lanes[stage].known.has(id)).map(({ id }) => id)),
    // All of them are at hand: nothing is brought forward.
    setSlots: async () => {},
    depth: async (stage) => ({ waiting: lanes[stage].waiting.length, putOff: lanes[stage].delayed.size }),
    async oldest(stage) {
      let oldest: JobId | undefined;
      for (const { id } of lanes[stage].waiting.all()) if (oldest === undefined || id < oldest) oldest = id;
      return oldest;
    },
    deliveries: (stage) => ({
      waiting: lanes[stage].waiting.items(),
      delayed: [...lanes[stage].delayed.values()].map(({ delivery }) => delivery),
      active: [...lanes[stage].active.values()],
    }),
    pause: async () => {
      paused = true;
    },
    ping: async () => {},
    async close() {
      paused = true;
      for (const stage of QUEUED_STAGES) for (const { timer } of lanes[stage].delayed.values()) clearTimeout(timer);
    },
  };
}
