/**
 * The worker's end of an attachment: passes input on to the program, and notices when nobody is attached any more, which whoever
 * was attached mostly says by cancelling, but cannot when its own process died.
 */
import type { JobId } from '@runlane/core';
import type { WorkerContext } from './context.js';
import type { AdmittedRun } from './runner-connection.js';

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

  try {
    // Whoever attached while the job waited may have been gone since before anybody listened.
    if (await store.isAttached(id).catch(() => true)) hear();
    for await (const input of feed.readInput(id, signal)) await run.give(input, signal);
  } catch (error) {
    context.log.error({ err: error, jobId: id }, 'input is not passed on any more');
  } finally {
    clearInterval(looking);
    deaf();
  }
}
