/**
 * Talk to an interactive program: what it reads goes in through the feed, what happens comes out as a watch tells it. One
 * attachment a job, ever; one that is lost before the result cancels the job, for nobody could go on with it.
 */
import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { RunlaneError } from '@runlane/contract';
import {
  isOver,
  type JobFeed,
  type JobId,
  type JobInput,
  type JobStore,
  type JobView,
  type Log,
  type OwnerId,
} from '@runlane/core';
import type { Jobs } from './jobs.js';
import { invalidRequest } from './validate.js';
import { follower, type Watch, type WatchEvent } from './watch.js';

/** How often a worker is told that somebody is still attached, in milliseconds: it waits for three of them. */
const BEAT_EVERY_MS = 5_000;
/** How long the feed may be away before an attachment is lost, in milliseconds; and how often it is tried. */
const HICCUP_MS = 4_000;
const RETRY_MS = 200;

export interface AttachDependencies {
  readonly jobs: Jobs;
  readonly store: JobStore;
  readonly feed: JobFeed;
  readonly watch: Watch;
  readonly log: Log;
}

export interface Attachment {
  readonly view: JobView;
  /**
   * Give the inputs, no faster than there is room for them, and tell what happens, up to the result; or until the signal aborts.
   * @throws RunlaneError `ATTACHMENT_LOST`, and what `inputs` throws.
   */
  converse(inputs: AsyncIterable<JobInput>, signal: AbortSignal): AsyncIterable<WatchEvent>;
  /** To be called at last, in any case: before the result was told, it cancels the job. */
  leave(): Promise<void>;
}

export interface Attachments {
  /** @throws RunlaneError `JOB_NOT_FOUND` · `JOB_NOT_INTERACTIVE` · `ALREADY_ATTACHED` · `ATTACHMENT_LOST` */
  attach(ownerId: OwnerId, id: JobId): Promise<Attachment>;
  /** Resolves when nobody is attached: until then, jobs may still have to be cancelled. */
  allLeft(): Promise<void>;
}

export function createAttachments({ jobs, store, feed, watch: { watch }, log }: AttachDependencies): Attachments {
  const open = new Set<JobId>();
  const news = new EventEmitter();

  async function attach(ownerId: OwnerId, id: JobId): Promise<Attachment> {
    const view = await jobs.get(ownerId, id);
    if (!view.job.program.interactive) {
      const message = `job ${id} takes no input while it runs; submit it with "interactive" to attach to it`;
      throw new RunlaneError('JOB_NOT_INTERACTIVE', message);
    }
    if (isOver(view)) return ended(ownerId, view);
    if (!(await store.attach(id))) {
      const message = `job ${id} can be attached to once, and was; follow it by its events, or submit another`;
      throw new RunlaneError('ALREADY_ATTACHED', message);
    }
    const attachment = create(ownerId, view);
    try {
      await beat(id);
    } catch (cause) {
      await attachment.leave();
      throw lostBy(cause);
    }
    return attachment;
  }

  /** A job that has ended is told of like any other, and nothing can be given to it. */
  function ended(ownerId: OwnerId, view: JobView): Attachment {
    const converse: Attachment['converse'] = (_, signal) => watch(ownerId, view.job.id, undefined, signal);
    return { view, converse, leave: async () => undefined };
  }

  function create(ownerId: OwnerId, view: JobView): Attachment {
    const { id, program } = view.job;
    const hasTerminal = program.interactive?.terminal !== undefined;
    let over = false;
    open.add(id);

    async function* converse(inputs: AsyncIterable<JobInput>, signal: AbortSignal): AsyncGenerator<WatchEvent> {
      const left = follower(signal);
      let failure: RunlaneError | undefined;
      const lose = (reason: unknown) => {
        failure ??= reason instanceof RunlaneError ? reason : lostBy(reason);
        left.abort();
      };
      const beating = setInterval(() => void beat(id).catch(lose), BEAT_EVERY_MS);
      void giveAll(id, inputs, hasTerminal, left.signal).catch(lose);
      try {
        for await (const event of watch(ownerId, id, undefined, left.signal)) {
          over ||= event.type === 'result';
          yield event;
        }
        if (failure && !over && !signal.aborted) throw failure;
      } finally {
        clearInterval(beating);
        left.abort();
      }
    }

    async function leave(): Promise<void> {
      if (!over) await cancel(ownerId, id);
      await feed.dropInput(id);
      open.delete(id);
      news.emit('left');
    }

    return { view, converse, leave };
  }

  async function giveAll(
    id: JobId,
    inputs: AsyncIterable<JobInput>,
    hasTerminal: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    let sequence = 0;
    for await (const input of inputs) {
      if (input.type === 'resize' && !hasTerminal) {
        const reason = 'this job has no terminal; submit it with "interactive.terminal" to resize it';
        throw invalidRequest([{ field: 'resize', reason }]);
      }
      sequence += 1;
      await throughHiccups(() => feed.appendInput(id, sequence, input, signal), signal);
    }
  }

  const beat = (id: JobId) => throughHiccups(() => feed.wish(id, { type: 'attached' }));

  async function cancel(ownerId: OwnerId, id: JobId): Promise<void> {
    // Where this fails, the worker hears nothing more of the attachment, and ends the run by itself.
    await jobs.cancel(ownerId, id).catch((error) => {
      log.warn({ jobId: id, reason: error.message }, 'an attachment was lost, and its job could not be cancelled');
    });
  }

  return {
    attach,
    async allLeft() {
      while (open.size > 0) await once(news, 'left');
    },
  };
}

/** Try again for a while what is harmless to repeat: a busy Redis must not end anybody's session. */
async function throughHiccups(call: () => Promise<void>, signal?: AbortSignal): Promise<void> {
  const giveUpAtMs = performance.now() + HICCUP_MS;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (signal?.aborted || performance.now() > giveUpAtMs) throw error;
      await sleep(RETRY_MS);
    }
  }
}

function lostBy(cause: unknown): RunlaneError {
  const message = 'input cannot be passed on to the program, so its job is cancelled; submit it again';
  return new RunlaneError('ATTACHMENT_LOST', message, { cause });
}
