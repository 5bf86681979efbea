/** A worker with a store of its own and a runner that behaves as it is told. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCloser, type FeedEvent, isOver, type JobView, type Program, readConfig } from '@runlane/core';
import { type OpenPorts, openPorts, STORE_VARIABLES } from '@runlane/core/adapters';
import { aJob, silentLog, until } from '@runlane/core/testing';
import { WORKER_VARIABLES } from '../run-worker.js';
import { createWorker, type Worker } from '../worker.js';
import { type FakeRunner, type FakeRunnerOptions, startFakeRunner } from './fake-runner.js';

export interface Stage {
  readonly ports: OpenPorts;
  readonly worker: Worker;
  readonly runner: FakeRunner;
  /** Accept a job and wait for its end. */
  run(program?: Partial<Program>): Promise<JobView>;
}

/** For the orderly stop of a worker, in milliseconds. */
export const CLOSE_MS = 4_000;

/** What a test is to close. */
export const opened: (() => Promise<unknown>)[] = [];

export async function closeStages(): Promise<void> {
  for (const close of opened.splice(0).toReversed()) await close();
}

export interface StageOptions extends FakeRunnerOptions {
  /** Smaller than anybody may set it. */
  readonly artifactStoreBytes?: number;
  /** Addresses of more runners. */
  readonly others?: readonly string[];
  /** Attempts that may fail; 3 when left out. */
  readonly maxAttempts?: number;
}

export async function onStage(options: StageOptions): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'runlane-worker-'));
  opened.push(() => rm(folder, { recursive: true, force: true }));
  const runner = await startFakeRunner(options);
  opened.push(runner.close);
  const env = {
    DATA_DIR: folder,
    RUNNERS: [runner.address, ...(options.others ?? [])].join(),
    LEASE_SECONDS: '2',
    RECONCILE_SECONDS: '1',
    MAX_ATTEMPTS: `${options.maxAttempts ?? 3}`,
  };
  const read = readConfig(env, [...WORKER_VARIABLES, ...STORE_VARIABLES, 'DATA_DIR']);
  const config = { ...read, ARTIFACT_STORE_MB: options.artifactStoreBytes ?? read.ARTIFACT_STORE_MB };
  const closer = createCloser({ graceMs: 5_000, log: silentLog });
  opened.push(closer.close);
  const ports = await openPorts(config, { closer, log: silentLog });
  const worker = createWorker({ ...ports, queue: ports.openQueue.queue, log: silentLog, config });
  closer.add({ name: 'worker', close: () => worker.close(CLOSE_MS) });
  await worker.ready;
  return {
    ports,
    worker,
    runner,
    async run(program = {}) {
      const job = aJob({ program: { ...aJob().program, ...program } });
      await ports.store.insert(job);
      await ports.openQueue.queue.add('save', job.id);
      return endOf(ports, job.id);
    },
  };
}

export async function endOf({ store }: OpenPorts, id: string): Promise<JobView> {
  await until('the job ended', async () => isOver((await store.get(id)) as JobView), 40_000);
  return (await store.get(id)) as JobView;
}

/** A job's feed, up to its end. */
export async function eventsOf({ feed }: OpenPorts, id: string): Promise<FeedEvent[]> {
  const events: FeedEvent[] = [];
  for await (const event of feed.read(id, undefined, AbortSignal.timeout(5_000))) events.push(event);
  return events;
}
