/** Work for a stack while things happen to it, and the judge of how that went. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@runlane/client';
import type { JobJson } from '@runlane/contract';
import { type Ended, grpcDoor, readEvents } from '../system/doors.js';
import type { Running } from '../system/platform.contract.js';

/** A job that the platform has promised to end, and what it is to print. */
export interface Accepted {
  readonly id: string;
  readonly stdout: string;
}

export interface Load {
  /** What was accepted so far. */
  readonly accepted: readonly Accepted[];
  /** No more is sent; resolves with the refusals, which are none where clients are patient. */
  stop(): Promise<readonly Error[]>;
}

export type StartLoad = (running: Pick<Running, 'baseUrl' | 'grpcAddress'>, name: string) => Load;

/** How work is sent. Each tells what was accepted. */
export const LOADS: Readonly<Record<string, StartLoad>> = { 'the TypeScript client': startClients };

const CLIENTS = 6;
/** Longer than anything here is away. */
const PATIENCE_MS = 120_000;
/** Jobs that are looked at side by side. */
const JUDGES = 8;
/** How often one is asked after again. */
const LOOKS = 5;
/** Some are still running when something is killed. */
const LONG_EVERY = 4;

/** Clients that hand a job in, wait for its end and hand the next one in. */
function startClients({ baseUrl }: Pick<Running, 'baseUrl'>, name: string): Load {
  const client = createClient({ server: baseUrl, retryForMs: PATIENCE_MS });
  const accepted: Accepted[] = [];
  const refused: Error[] = [];
  let stopped = false;
  async function work(first: number): Promise<void> {
    for (let n = first; !stopped; n += CLIENTS) {
      const pause = n % LONG_EVERY === 0 ? 'import time; time.sleep(1)\n' : '';
      try {
        const { id } = await client.submit({
          language: 'python',
          code: `${pause}print(${n})`,
          metadata: { load: name },
        });
        accepted.push({ id, stdout: `${n}\n` });
        await client.wait(id);
      } catch (error) {
        refused.push(error as Error);
        await sleep(200);
      }
    }
  }
  const working = Array.from({ length: CLIENTS }, (_, index) => work(index));
  return {
    accepted,
    async stop() {
      stopped = true;
      await Promise.all(working);
      return refused;
    },
  };
}

/** How a job ended, as each way of asking tells: the events of its whole life, the job itself, and the job over the other door. */
interface Findings {
  readonly results: readonly JobJson[];
  readonly job: JobJson;
  readonly overGrpc: Pick<Ended, 'status' | 'attempt' | 'stdout'>;
}

export type Look = (id: string) => Promise<Findings>;

export function lookThroughDoors(running: Pick<Running, 'baseUrl' | 'client'>, patienceMs = PATIENCE_MS): Look {
  return async (id) => {
    const results: JobJson[] = [];
    const events = await fetch(`${running.baseUrl}/v1/jobs/${id}/events`, { signal: AbortSignal.timeout(patienceMs) });
    for await (const { event, data } of readEvents(events))
      if (event === 'result') results.push(data as unknown as JobJson);
    if (results.length === 0) throw new Error('the stream ended without a result');
    const answer = await fetch(`${running.baseUrl}/v1/jobs/${id}`);
    if (!answer.ok) throw new Error(`answered ${answer.status}`);
    const job = (await answer.json()) as JobJson;
    return { results, job, overGrpc: await grpcDoor(running).get(id) };
  };
}

/** What is wrong with the ends of accepted jobs; nothing, where each ended once and everybody is told the same. */
export async function faultsOf(accepted: readonly Accepted[], look: Look): Promise<string[]> {
  const faults: string[] = [];
  if (new Set(accepted.map(({ id }) => id)).size !== accepted.length) faults.push('an id was given twice');
  const left = accepted.values();
  async function judge(): Promise<void> {
    for (const { id, stdout } of left) faults.push(...(await faultsOfOne(id, stdout, look)));
  }
  await Promise.all(Array.from({ length: JUDGES }, judge));
  return faults;
}

async function faultsOfOne(id: string, stdout: string, look: Look): Promise<string[]> {
  try {
    const { results, job, overGrpc } = await lookAgain(id, look);
    const told = [...results, job].map(({ status, attempt, result }) => [status, attempt, result?.stdout]);
    told.push([overGrpc.status, overGrpc.attempt, overGrpc.stdout.toString()]);
    const faults: string[] = [];
    if (results.length !== 1) faults.push(`${id}: ${results.length} results`);
    if (new Set(told.map((each) => JSON.stringify(each))).size !== 1)
      faults.push(`${id}: told ${JSON.stringify(told)}`);
    if (job.status !== 'succeeded' || job.result?.stdout !== stdout)
      faults.push(`${id}: ${job.status} ${JSON.stringify(job.result)}`);
    return faults;
  } catch (error) {
    return [`${id}: ${(error as Error).message}`];
  }
}

/** What was cut off says nothing of the job: on a busy machine the store does not answer at times, and clients ask again. */
async function lookAgain(id: string, look: Look): Promise<Findings> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await look(id);
    } catch (error) {
      if (tries === LOOKS) throw error;
      await sleep(1_000);
    }
  }
}
