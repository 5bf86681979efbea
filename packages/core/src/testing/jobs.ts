/** Jobs, results and waiting, for tests. */
import { setTimeout as sleep } from 'node:timers/promises';
import { v7 as newId } from 'uuid';
import { type Batch, batchJobIds } from '../batch.js';
import { ANONYMOUS, type FinalStatus, type Job, type Result, resultWithoutRun } from '../job.js';
import type { Log } from '../log.js';

export function aJob(more: Partial<Job> = {}): Job {
  return {
    id: newId(),
    ownerId: ANONYMOUS,
    createdAtMs: Date.now(),
    ...more,
    program: {
      language: 'python',
      version: '',
      files: [{ path: 'main.py', content: Buffer.from('print(1)\n') }],
      entry: 'main.py',
      stdin: Buffer.alloc(0),
      args: [],
      env: {},
      limits: {},
      ...more.program,
    },
  };
}

/** A batch and its jobs, as they are accepted together. */
export function aBatch(total: number, more: Partial<Batch> = {}): { readonly batch: Batch; readonly jobs: Job[] } {
  const { createdAtMs = Date.now() } = more;
  const batch = { id: newId({ msecs: createdAtMs }), ownerId: ANONYMOUS, total, createdAtMs, ...more };
  const { id: batchId, ownerId } = batch;
  return { batch, jobs: batchJobIds(batchId, total).map((id) => aJob({ id, batchId, ownerId, createdAtMs })) };
}

export function aResult(status: FinalStatus = 'succeeded', more: Partial<Result> = {}): Result {
  return resultWithoutRun(status, { exitCode: 0, stdout: Buffer.from('1\n'), wallTimeMs: 12.5, ...more });
}

/** The same value with all bytes as plain Buffers: stores may give back any kind of Uint8Array. */
export function withBuffers<T>(value: T): T {
  if (value instanceof Uint8Array) return Buffer.from(value) as unknown as T;
  if (Array.isArray(value)) return value.map(withBuffers) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withBuffers(item)])) as T;
}

/** Wait until something holds; an error when it does not within `timeoutMs` milliseconds. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await sleep(10);
  }
}

/** Wait until a server that was away answers again. */
export function untilAnswers({ ping }: { readonly ping: () => Promise<void> }): Promise<void> {
  const answers = () =>
    ping().then(
      () => true,
      () => false,
    );
  return until('it answers', answers);
}

/** How long something took, in milliseconds. */
export async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

const quiet = () => {};

/** A log that keeps nothing. */
export const silentLog: Log = {
  trace: quiet,
  debug: quiet,
  info: quiet,
  warn: quiet,
  error: quiet,
  fatal: quiet,
  child: () => silentLog as never,
};
