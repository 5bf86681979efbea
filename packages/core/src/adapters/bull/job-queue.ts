/**
 * Queues in Redis, by Bull. Bull decides nothing here: its locks, retries and failures are not ours. A delivery carries
 * the job's id and nothing else, and what is lost or repeated is mended by claims and by the reconciler.
 */
import Queue from 'bull';
import type { Redis } from 'ioredis';
import { within } from '../../deadline.js';
import type { JobId } from '../../job.js';
import { type DeliveryHandler, type JobQueue, QUEUE_NAMES, QUEUED_STAGES, type QueuedStage } from '../../job-queue.js';
import type { Log } from '../../log.js';
import { connectForCommands, connectToWait } from '../redis/connection.js';

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

/**
 * A job's hash that is in no list any more: left when Redis was flushed or restarted between two of Bull's steps. Bull
 * takes an id whose hash is there for a duplicate, in whatever state, so this job would never be delivered again.
 */
const FORGET_GHOST = `
local prefix, id = ARGV[1], ARGV[2]
if redis.call('EXISTS', prefix .. id) == 0 then return 0 end
for _, list in ipairs({'active', 'wait', 'paused'}) do
  if redis.call('LPOS', prefix .. list, id) then return 0 end
end
if redis.call('ZSCORE', prefix .. 'delayed', id) then return 0 end
for _, set in ipairs({'completed', 'failed', 'priority'}) do redis.call('ZREM', prefix .. set, id) end
return redis.call('DEL', prefix .. id, prefix .. id .. ':lock')
`;

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

  const queues: Record<QueuedStage, Queue.Queue> = {
    save: openQueue(QUEUE_NAMES.save),
    exec: openQueue(QUEUE_NAMES.exec),
    callback: openQueue(QUEUE_NAMES.callback),
  };
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

    async add(stage, id, { priority = 0, notBeforeAtMs = 0 } = {}) {
      if (!SAFE_ID.test(id)) throw new Error(`"${id}" is not the id of a job`);
      const queue = queues[stage];
      const ghost = [FORGET_GHOST, 0, `bull:${queue.name}:`, id] as const;
      // The job's own id names its delivery, so that one which waits or is being handled is not made twice, and a
      // command that Redis carries out after we gave it up changes nothing. It is free again once handled.
      // Bull's priorities begin with 1, and its 0 would come after all others.
      const options = { jobId: id, priority: priority + 1, delay: Math.max(0, notBeforeAtMs - Date.now()) };
      // One round trip: both are sent at once, and Redis takes them in this order.
      await bounded(() => Promise.all([commands.redis.eval(...ghost), queue.add({ id }, options)]));
    },

    process(stage, concurrency, handler) {
      // '*': whatever a delivery is called. One whose hash was lost has no name, and would be refused.
      const begin = async () => {
        if (!closed) await queues[stage].process('*', concurrency, (job) => deliver(handler, String(job.id)));
      };
      // It ends when the queue is closed.
      const ended = (error: unknown) => log.debug({ err: error, queue: queues[stage].name }, 'the queue stopped');
      commands.tried.then(begin).catch(ended);
    },

    async depth(stage) {
      const { waiting, delayed } = await bounded(() => queues[stage].getJobCounts());
      return waiting + delayed;
    },

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

  /** Bull's own way with failures is never taken: a handler throws only for bugs. */
  async function deliver(handler: DeliveryHandler, id: JobId): Promise<void> {
    try {
      await handler(id);
    } catch (error) {
      log.error({ err: error, jobId: id }, 'a delivery could not be handled');
    }
  }
}

function ignore(): void {}
