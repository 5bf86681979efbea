/**
 * Queues in Redis, by Bull. Bull decides nothing here: its locks, retries and failures are not ours. A delivery carries
 * the job's id and nothing else, and what is lost or repeated is mended by claims and by the reconciler.
 */
import Queue from 'bull';
import type { Redis } from 'ioredis';
import { within } from '../../deadline.js';
import type { JobId } from '../../job.js';
import {
  type DeliveryHandler,
  type Expected,
  type JobQueue,
  QUEUE_NAMES,
  QUEUED_STAGES,
  type QueuedStage,
} from '../../job-queue.js';
import type { Log } from '../../log.js';
import { connectForCommands, connectToWait } from '../redis/connection.js';
import { createTurns, type LetIn, type Turns, type Waiting } from './turns.js';

export interface BullJobQueueOptions {
  /** Such as `redis://127.0.0.1:6379`. */
  readonly url: string;
  readonly log: Log;
}

export interface BullJobQueue extends JobQueue {
  /** For the board, which reads them. */
  readonly boardQueues: readonly Queue.Queue[];
}

/** Longest time for a call: accepting a job waits for it. */
const CALL_MS = 1_500;
/** Longest time for a stop; what Bull does not manage by then is cut off. */
const STOP_MS = 1_000;
/** Ids become names of keys beside Bull's own: a job named "wait" would break its queue for good. */
const SAFE_ID = /^[0-9a-f-]+$/;

/** In the scores of what Bull has put off: the time, and room for the order of those of the same. */
const BULL_TICKS_PER_MS = 4_096;

/** Ends the name of a delivery that is held back: when its time has come, it comes to wait like any other. */
const LATER = '-later';

export function createBullJobQueue({ url, log }: BullJobQueueOptions): BullJobQueue {
  const connection = (name: string) => ({ url, name: `runlane-${name}`, log });
  const commands = connectForCommands({ ...connection('queue'), timeoutMs: CALL_MS });
  // Opened by Bull when it begins to process: who only adds has one connection.
  const taking: Redis[] = [];
  let subscriber: Redis | undefined;
  let closed = false;

  function createClient(type: 'client' | 'subscriber' | 'bclient'): Redis {
    if (type === 'client') return commands.redis;
    if (type === 'subscriber' && subscriber) return subscriber;
    const redis = connectToWait(connection(type === 'subscriber' ? 'queue-events' : 'queue-take'));
    if (type === 'subscriber') subscriber = redis;
    else taking.push(redis);
    // Bull waits for `ready` before its first command, so the connection cannot wait for a command.
    redis.connect().catch(ignore);
    return redis;
  }

  function openQueue(name: string): Queue.Queue {
    const queue = new Queue(name, {
      createClient,
      // No retries: an attempt is ours to count. Removed when handled: the store knows how it ended.
      defaultJobOptions: { attempts: 1, removeOnComplete: true, removeOnFail: true },
      settings: {
        lockDuration: 15_000,
        stalledInterval: 5_000,
        // A stalled job is only delivered again, which claims make harmless.
        maxStalledCount: 1_000_000,
        retryProcessDelay: 1_000,
      },
    });
    queue.on('error', (error) => log.debug({ reason: error.message, queue: name }, 'the queue met an error'));
    queue.on('lock-extension-failed', (job: Queue.Job, error: Error) =>
      log.warn({ err: error, queue: name, jobId: job.id }, 'a delivery may be made twice: its lock was not renewed'),
    );
    // Bull does not wait for this, and a connection that ends meanwhile would be an unhandled rejection.
    const worker = queue as unknown as { setWorkerName(): Promise<unknown> };
    const setWorkerName = worker.setWorkerName.bind(queue);
    worker.setWorkerName = () => setWorkerName().catch(ignore);
    return queue;
  }

  const byStage = <T>(make: (stage: QueuedStage) => T) =>
    Object.fromEntries(QUEUED_STAGES.map((stage) => [stage, make(stage)])) as Record<QueuedStage, T>;
  const queues = byStage((stage) => openQueue(QUEUE_NAMES[stage]));
  const turns: Record<QueuedStage, Turns> = byStage((stage) => createTurns(commands.redis, QUEUE_NAMES[stage]));
  const each = <T>(act: (queue: Queue.Queue) => Promise<T>) =>
    Promise.all(QUEUED_STAGES.map((stage) => act(queues[stage])));

  async function bounded<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await within(CALL_MS, commands.tried.then(call));
    } catch (cause) {
      throw new Error('the queue does not answer', { cause });
    }
  }

  /** Bull waits for an answer of Redis before it breaks off waiting for the next delivery; here nobody does. */
  async function stopTaking(stop: (queue: Queue.Queue) => Promise<unknown>): Promise<void> {
    const stopped = each(stop);
    await new Promise(setImmediate);
    for (const redis of taking) redis.disconnect();
    // Bull connects again at once, which may fail, and does not matter.
    await within(STOP_MS, stopped).catch(ignore);
  }

  return {
    boardQueues: Object.values(queues),

    async add(stage, id, { ownerId = '', priority = 0, notBeforeAtMs = 0 } = {}) {
      if (!SAFE_ID.test(id)) throw new Error(`"${id}" is not the id of a job`);
      const waiting = { id, ownerId, priority };
      const delay = notBeforeAtMs - Date.now();
      await bounded(() => (delay > 0 ? holdBack(stage, waiting, delay) : come(stage, waiting)));
    },

    async takeBack(stage, id) {
      const held = await bounded(() => queues[stage].getJob(`${id}${LATER}`));
      // One that is being handled just now cannot be removed, and need not be.
      await held?.remove().catch(ignore);
    },

    missing: (stage, expected) => bounded(() => missing(stage, expected)),

    setSlots: (slots) => bounded(() => turns.exec.setSlots(slots)),

    process(stage, concurrency, handler) {
      // '*': whatever a delivery is called. One whose hash was lost has no name, and would be refused.
      const begin = async () => {
        if (!closed) await queues[stage].process('*', concurrency, (job) => deliver(stage, handler, job));
      };
      // It ends when the queue is closed.
      const ended = (error: unknown) => log.debug({ err: error, queue: queues[stage].name }, 'the queue stopped');
      commands.tried.then(begin).catch(ended);
    },

    async depth(stage) {
      const counts = () => Promise.all([queues[stage].getJobCounts(), turns[stage].behind(), countDue(stage)]);
      const [{ waiting, delayed }, behind, due] = await bounded(counts);
      return { waiting: waiting + behind + due, putOff: delayed - due };
    },

    oldest: (stage) => bounded(() => turns[stage].oldest()),

    pause: () => stopTaking((queue) => queue.pause(true, true)),

    async ping() {
      await bounded(() => commands.redis.ping());
    },

    async close() {
      closed = true;
      await stopTaking((queue) => queue.close(true));
      for (const redis of [commands.redis, subscriber, ...taking]) redis?.disconnect();
    },
  };

  /** Of those that were put off, the ones whose time has come: without a worker, Bull leaves them where they are. */
  function countDue(stage: QueuedStage): Promise<number> {
    return commands.redis.zcount(queues[stage].toKey('delayed'), 0, Date.now() * BULL_TICKS_PER_MS);
  }

  /** Whoever is let in is named by the job's own id, so that a command that Redis carries out after we gave it up changes nothing. */
  async function bring(stage: QueuedStage, { ownerId, priority }: Omit<Waiting, 'id'>, letIn: readonly LetIn[]) {
    const add = ({ id, tag }: LetIn) => queues[stage].add({ id, ownerId, priority }, { jobId: id, priority: tag });
    await Promise.all(letIn.map(add));
  }

  async function come(stage: QueuedStage, waiting: Waiting, isDue = false): Promise<void> {
    await bring(stage, waiting, await turns[stage].come(waiting, isDue));
  }

  async function missing(stage: QueuedStage, expected: readonly Expected[]): Promise<Set<JobId>> {
    const { ids, letIn } = await turns[stage].missing(expected);
    await Promise.all(letIn.map((each) => bring(stage, each, [each])));
    return ids;
  }

  async function holdBack(stage: QueuedStage, waiting: Waiting, delay: number): Promise<void> {
    const absent = await missing(stage, [waiting]);
    // Bull's priorities begin with 1: when its time has come, it is not to wait twice.
    if (absent.has(waiting.id))
      await queues[stage].add(waiting, { jobId: `${waiting.id}${LATER}`, priority: 1, delay });
  }

  async function deliver(
    stage: QueuedStage,
    handler: DeliveryHandler,
    job: Queue.Job<Partial<Waiting>>,
  ): Promise<void> {
    const name = String(job.id);
    // Lost with the delivery's hash is whose it was. The reconciler sees to those that wait behind it.
    const { ownerId = '', priority = 0 } = job.data ?? {};
    const waiting = { id: name.replace(LATER, ''), ownerId, priority };
    if (name.endsWith(LATER)) return bounded(() => come(stage, waiting, true)).catch(leftToReconciler);
    // Bull's own way with failures is never taken: a handler throws only for bugs.
    await handler(waiting.id).catch((error) =>
      log.error({ err: error, jobId: waiting.id }, 'a delivery could not be handled'),
    );
    // Not waited for: there is a place for the next delivery now.
    const leave = async () => bring(stage, waiting, await turns[stage].leave(waiting, job.opts.priority ?? 0));
    void bounded(leave).catch(leftToReconciler);
  }

  function leftToReconciler(error: Error): void {
    log.debug({ reason: error.message }, 'a delivery was not brought forward; the reconciler will');
  }
}

function ignore(): void {}
