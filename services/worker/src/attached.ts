/**
 * The worker's end of an attachment: passes input on to the program, and notices when nobody is attached any more, which whoever
 * was attached mostly says by cancelling, but cannot when its own process died.
 */
import type { JobId } from '@runlane/core';
import type { WorkerContext } from './context.js';
import { type AdmittedRun, backOff } from './runner-connection.js';

/** How long somebody attached may be silent, in milliseconds: three beats. */
const SILENCE_MS = 15_000;
const LOOK_EVERY_MS = 1_000;

/**
 * Pass input on until `signal` aborts; wait for it after that. Calls `onLost` when somebody was attached and is no longer, after
 * the job was cancelled.
 */
export async function whileAttached(
  context: WorkerContext,
  id: JobId,
  run: AdmittedRun,
  signal: AbortSignal,
  onLost: () => void,
): Promise<void> {
  const { feed, store } = context;
  let heardAtMs: number | undefined;
  const hear = () => {
    heardAtMs = performance.now();
  };
  const deaf = feed.onWish(id, ({ type }) => type === 'attached' && hear());
  const looking = setInterval(() => {
    if (heardAtMs === undefined || performance.now() - heardAtMs < SILENCE_MS) return;
    heardAtMs = undefined;
    lost().catch((error) => {
      context.log.warn({ jobId: id, reason: error.message }, 'nobody is attached any more; not cancelled yet');
      hear();
    });
  }, LOOK_EVERY_MS);

  async function lost(): Promise<void> {
    await store.cancel(id);
    onLost();
  }

  /** Whoever attached while the job waited may have been gone since before anybody listened. Asked until it is known. */
  async function askWhetherAttached(): Promise<void> {
    for (let tries = 0; !signal.aborted; tries += 1) {
      const isAttached = await store.isAttached(id).catch(() => undefined);
      if (isAttached) hear();
      if (isAttached !== undefined) return;
      await backOff(tries, signal);
    }
  }

  /** Read on after a failure: whoever is attached does not know of it, and goes on typing. */
  async function passInputOn(): Promise<void> {
    for (let tries = 0; !signal.aborted; tries += 1) {
      try {
        for await (const input of feed.readInput(id, signal)) await run.give(input, signal);
      } catch (error) {
        if (tries === 0 && !signal.aborted)
          context.log.error({ err: error, jobId: id }, 'input could not be read; it is tried again');
      }
      await backOff(tries, signal);
    }
  }

  void askWhetherAttached();
  await passInputOn();
  clearInterval(looking);
  deaf();
}
