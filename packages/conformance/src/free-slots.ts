/** Waits for slots to come back: the only thing that tells, from outside, that nothing of a run is left. */
import { setTimeout as sleep } from 'node:timers/promises';
import { CheckFailure } from './failure.js';
import type { RunnerClient } from './runner-client.js';

const LOOK_EVERY_MS = 20;

export async function freeSlots(client: RunnerClient): Promise<number> {
  return (await client.describe()).freeSlots;
}

/**
 * Milliseconds until so many slots were free again.
 * @throws CheckFailure when they were not within `withinMs`.
 */
export async function slotsComeBack(client: RunnerClient, wanted: number, withinMs: number): Promise<number> {
  const began = performance.now();
  for (;;) {
    // What counts is when it was asked: the answer may be slow to come.
    const askedAfterMs = performance.now() - began;
    const free = await freeSlots(client);
    if (free >= wanted) return Math.round(performance.now() - began);
    if (askedAfterMs > withinMs) {
      throw new CheckFailure(`free_slots is ${free} after ${withinMs} ms where ${wanted} must be free again`);
    }
    await sleep(LOOK_EVERY_MS);
  }
}
