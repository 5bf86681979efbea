/**
 * Clients as they should be: each submits under an idempotency key, again and again while it has no answer or hears 503, then
 * looks until its job has ended, and once more later. New clients come at a steady rate, up to a number that is there at once: a
 * platform that falls behind is to be slow, and not to be buried, or no fault would be seen for the next.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { execution, FINAL_STATUSES, type JobJson, types } from '@runlane/contract';
import { readEvents } from '../system/doors.js';
import { digestOf, type Entry, isEnded, type Ledger, type SeenEnd } from './ledger.js';
import { createSubmission } from './programs.js';
import type { Random } from './random.js';

export interface Load {
  /** Submit jobs at this rate until the signal aborts and at least so many were submitted; resolves when all were accepted. */
  run(options: { perSecond: number; atLeast: number; until: AbortSignal }): Promise<void>;
  /** Submit one job and see it end. */
  probe(): Promise<void>;
  /** Wait until every job that was accepted has ended, at most so long; then look at each once more. */
  settle(withinMs: number): Promise<void>;
  close(): void;
}

export interface LoadOptions {
  readonly baseUrl: string;
  readonly grpcAddress: string;
  readonly ledger: Ledger;
  readonly random: Random;
  /** Index of the fault to which what is accepted now is counted. */
  readonly currentFault: () => number;
}

/** Longest that an answer may take. A service that is stopped for five seconds cannot answer meanwhile, and machines are noisy. */
const ANSWER_WITHIN_MS = 30_000;
/** Clients whose jobs have not ended. */
const CLIENTS_AT_ONCE = 16;
/** In the end, when every job is looked at. */
const LOOKS_AT_ONCE = 8;
/** What a client may meet while a process dies or is away. Everything else in this range blames the service. */
const GRPC_MAY_BE = [status.UNAVAILABLE, status.ABORTED, status.ALREADY_EXISTS, status.CANCELLED];

export function createLoad({ baseUrl, grpcAddress, ledger, random, currentFault }: LoadOptions): Load {
  const client = new execution.ExecutionServiceClient(grpcAddress, credentials.createInsecure(), {
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1_000,
  });
  const closed = new AbortController();
  const looking = new Set<Promise<void>>();
  let waiting = 0;
  let number = 0;

  /** An answer, or undefined where there was none that counts: then it is asked again. */
  async function ask(path: string, init: RequestInit = {}): Promise<unknown> {
    const sentAtMs = performance.now();
    const what = `${init.method ?? 'GET'} ${path}`;
    try {
      const response = await fetch(`${baseUrl}${path}`, { ...init, signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
      if (response.ok) return await response.json();
      const { status: code } = response;
      if ((code >= 500 && code !== 503) || ![409, 429, 503].includes(code))
        ledger.violated(`${what}: ${code} ${(await response.text()).slice(0, 200)}`);
      else await response.body?.cancel();
    } catch (error) {
      // A connection that breaks is no answer; one that is silent for so long is a fault.
      if (performance.now() - sentAtMs >= ANSWER_WITHIN_MS)
        ledger.violated(`${what}: no answer in ${ANSWER_WITHIN_MS} ms`);
      else if (!(error instanceof TypeError)) throw error;
    }
    return undefined;
  }

  async function call<T>(
    what: string,
    begin: (
      metadata: Metadata,
      options: { deadline: number },
      done: (error: ServiceError | null, response: T) => void,
    ) => unknown,
  ): Promise<T | undefined> {
    return new Promise((resolve) => {
      begin(new Metadata(), { deadline: Date.now() + ANSWER_WITHIN_MS }, (error, response) => {
        if (!error) return resolve(response);
        if (error.code === status.DEADLINE_EXCEEDED) ledger.violated(`${what}: no answer in ${ANSWER_WITHIN_MS} ms`);
        else if (!GRPC_MAY_BE.includes(error.code) && !isBrokenConnection(error))
          ledger.violated(`${what}: ${status[error.code]} ${error.details}`);
        resolve(undefined);
      });
    });
  }

  async function submitOnce({ submission, key, door }: Entry): Promise<string | undefined> {
    const program = { language: 'python', code: submission.code };
    if (door === 'REST') {
      const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': key };
      const job = await ask('/v1/jobs', { method: 'POST', headers, body: JSON.stringify(program) });
      return (job as JobJson | undefined)?.id;
    }
    const request = execution.SubmitRequest.fromPartial({ program, idempotencyKey: key });
    const answer = await call<execution.SubmitResponse>('Submit', (metadata, options, done) =>
      client.submit(request, metadata, options, done),
    );
    return answer?.job?.id;
  }

  async function look(entry: Entry, id: string): Promise<void> {
    const end = entry.door === 'REST' ? await lookByRest(id) : await lookByGrpc(id);
    if (end) ledger.ended(entry, end);
  }

  async function lookByRest(id: string): Promise<SeenEnd | undefined> {
    const job = (await ask(`/v1/jobs/${id}`)) as JobJson | undefined;
    return job && endFromJson(job);
  }

  async function lookByGrpc(jobId: string): Promise<SeenEnd | undefined> {
    const answer = await call<execution.GetResponse>('Get', (metadata, options, done) =>
      client.get({ jobId }, metadata, options, done),
    );
    const job = answer?.job;
    if (!job?.result) return undefined;
    const ended = types.JobStatus[job.status]?.toLowerCase() ?? '';
    return seenEnd(ended, job.attempt, job.result.stdout.toString(), job.result.message);
  }

  /** Follow its events to the result; where the connection breaks, whoever polls sees the end. */
  async function watch(entry: Entry, id: string): Promise<void> {
    try {
      const response = await fetch(`${baseUrl}/v1/jobs/${id}/events`, { signal: closed.signal });
      if (!response.ok) {
        if (response.status !== 503) ledger.violated(`GET events of ${id}: ${response.status}`);
        return void (await response.body?.cancel());
      }
      for await (const { event, data } of readEvents(response)) {
        const end = event === 'result' ? endFromJson(data as unknown as JobJson) : undefined;
        if (end) return ledger.ended(entry, end);
      }
    } catch {
      // Its process died, or everything is over.
    }
  }

  async function follow(entry: Entry, id: string): Promise<void> {
    for (let pauseMs = 800; !isEnded(entry) && !closed.signal.aborted; pauseMs = Math.min(pauseMs * 1.6, 5_000)) {
      await sleep(pauseMs);
      await look(entry, id);
    }
    waiting -= 1;
    // Zombies wake up later: what has ended must stay as it is.
    await sleep(5_000);
    if (!closed.signal.aborted) await look(entry, id);
  }

  async function one(): Promise<Entry> {
    waiting += 1;
    number += 1;
    const entry = ledger.open(createSubmission(number, random), number % 4 === 0 ? 'gRPC' : 'REST');
    let id: string | undefined;
    for (let pauseMs = 100; id === undefined; pauseMs = Math.min(pauseMs * 2, 1_500)) {
      if (closed.signal.aborted) throw new Error(`no. ${number} was never accepted`);
      id = await submitOnce(entry);
      if (id === undefined) await sleep(pauseMs);
    }
    ledger.accepted(entry, id, currentFault());
    // As a client does that lost the first answer: the same key must lead to the same job.
    if (number % 10 === 0) void again(entry);
    if (number % 5 === 0) keep(watch(entry, id));
    keep(follow(entry, id));
    return entry;
  }

  async function again(entry: Entry): Promise<void> {
    const id = await submitOnce(entry);
    if (id !== undefined) ledger.accepted(entry, id, currentFault());
  }

  function keep(work: Promise<void>): void {
    looking.add(work);
    void work.finally(() => looking.delete(work));
  }

  return {
    async run({ perSecond, atLeast, until }) {
      const submitting: Promise<unknown>[] = [];
      const startedAtMs = performance.now();
      while (!until.aborted || submitting.length < atLeast) {
        submitting.push(one());
        const dueAtMs = startedAtMs + (submitting.length / perSecond) * 1_000;
        do await sleep(Math.max(0, dueAtMs - performance.now(), waiting < CLIENTS_AT_ONCE ? 0 : 50));
        while (waiting >= CLIENTS_AT_ONCE);
      }
      await Promise.all(submitting);
    },

    async probe() {
      const entry = await one();
      while (!isEnded(entry) && !closed.signal.aborted) await sleep(20);
    },

    async settle(withinMs) {
      const deadlineMs = performance.now() + withinMs;
      while (looking.size > 0 && performance.now() < deadlineMs) await sleep(100);
      const left = [...ledger.entries];
      const lookAtRest = async () => {
        for (let entry = left.pop(); entry; entry = left.pop()) {
          const [id] = entry.ids;
          if (id) await look(entry, id);
        }
      };
      await Promise.all(Array.from({ length: LOOKS_AT_ONCE }, lookAtRest));
    },

    close() {
      closed.abort();
      client.close();
    },
  };
}

function endFromJson({ status: ended, attempt, result }: JobJson): SeenEnd | undefined {
  if (!(FINAL_STATUSES as readonly string[]).includes(ended) || !result) return undefined;
  return seenEnd(ended, attempt, result.stdout, result.message);
}

function seenEnd(ended: string, attempt: number, stdout: string, message: string | undefined): SeenEnd {
  return { status: ended, attempt, stdout, message, digest: digestOf(ended, attempt, stdout) };
}

/** grpc-js calls a connection that died in the middle of an answer by several names. */
function isBrokenConnection({ code, details }: ServiceError): boolean {
  return code === status.INTERNAL && /RST_STREAM|ECONNRESET|socket/i.test(details);
}
