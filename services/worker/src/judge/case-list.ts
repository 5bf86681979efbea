/**
 * Which cases wait, run and are judged. Where the job stops at the first failure, that is the failed case of the lowest index,
 * whichever ended first: those before it are judged to their end, those after it count as if they had never begun.
 */
import type { CaseResult } from '@runlane/core';

/** Why a case is aborted where the job stops at the first failure. */
export const EARLIER_FAILED = 'an earlier case failed';

export interface CaseList {
  /** The next case to judge, in order; its signal aborts when its verdict is no longer wanted. */
  take(): { readonly index: number; readonly signal: AbortSignal } | undefined;
  /** A case that was taken could not be run by whoever took it. */
  putBack(index: number): void;
  settle(result: CaseResult): void;
  /** How many wait for somebody to take them. */
  waiting(): number;
  /** Judge no more, and abort what runs; the first reason is kept. */
  giveUp(reason: unknown): void;
  /** Why it was given up. */
  failure(): unknown;
  /** The verdict on a case, where it has one that counts. */
  result(index: number): CaseResult | undefined;
  /** Tell of every case that was not told yet. */
  tellRest(results: readonly CaseResult[]): void;
}

export interface CaseListOptions {
  readonly count: number;
  readonly stopAtFirstFailure: boolean;
  /** Called once for each case, with the verdict that will be in the job's result. */
  readonly tell: (result: CaseResult) => void;
}

export function createCaseList({ count, stopAtFirstFailure, tell }: CaseListOptions): CaseList {
  const waiting = Array.from({ length: count }, (_, index) => index);
  const running = new Map<number, AbortController>();
  const results = new Map<number, CaseResult>();
  const told = new Set<number>();
  /** Cases from here on are not wanted. */
  let end = count;
  let failure: unknown;

  function tellOnce(result: CaseResult): void {
    if (told.has(result.index)) return;
    told.add(result.index);
    tell(result);
  }

  /** In order, where a verdict may still be made void by a failure before it. */
  function tellSettled(): void {
    for (let index = 0; index < end; index += 1) {
      const result = results.get(index);
      if (result) tellOnce(result);
      else if (stopAtFirstFailure) return;
    }
  }

  function stopBefore(newEnd: number, reason: unknown): void {
    end = Math.min(end, newEnd);
    while ((waiting.at(-1) ?? -1) >= end) waiting.pop();
    for (const [index, controller] of running) if (index >= end) controller.abort(reason);
  }

  return {
    take() {
      const index = waiting.shift();
      if (index === undefined) return undefined;
      const controller = new AbortController();
      running.set(index, controller);
      return { index, signal: controller.signal };
    },
    putBack(index) {
      running.delete(index);
      if (index >= end) return;
      waiting.push(index);
      waiting.sort((a, b) => a - b);
    },
    settle(result) {
      const { index, verdict } = result;
      running.delete(index);
      if (index >= end) return;
      results.set(index, result);
      if (stopAtFirstFailure && verdict !== 'accepted') stopBefore(index + 1, EARLIER_FAILED);
      tellSettled();
    },
    waiting: () => waiting.length,
    giveUp(reason) {
      failure ??= reason;
      waiting.length = 0;
      for (const controller of running.values()) controller.abort(reason);
    },
    failure: () => failure,
    result: (index) => (index < end ? results.get(index) : undefined),
    tellRest: (all) => all.forEach(tellOnce),
  };
}
