/** Close what was opened, newest first. Each `main.ts` adds a step for each thing as it opens it, the doors last. */
import { once } from 'node:events';
import type { Log } from './log.js';

export interface CloseStep {
  readonly name: string;
  /**
   * `deadline` aborts when time is up: then end at once what was to end in order. `leftMs`: until then, in milliseconds, as the
   * steps before have left it.
   */
  close(deadline: AbortSignal, leftMs: number): Promise<unknown>;
}

export interface Closer {
  add(step: CloseStep): void;
  /** Run all steps, once however often it is called, within `graceMs` milliseconds in all. */
  close(): Promise<void>;
}

export function createCloser({ graceMs, log }: { graceMs: number; log: Log }): Closer {
  const steps: CloseStep[] = [];
  let closing: Promise<void> | undefined;
  async function closeAll(): Promise<void> {
    const deadline = AbortSignal.timeout(graceMs);
    const endsAtMs = performance.now() + graceMs;
    const expired = once(deadline, 'abort');
    for (const { name, close } of steps.toReversed()) {
      // One step that fails or hangs must not keep the others open.
      await Promise.race([close(deadline, Math.max(endsAtMs - performance.now(), 0)), expired]).catch((cause) =>
        log.error(new Error(`closing ${name}`, { cause })),
      );
    }
  }
  return {
    add: (step) => void steps.push(step),
    close: () => {
      closing ??= closeAll();
      return closing;
    },
  };
}
