/**
 * Telling a job's end to its callback, as facts: what is still `owed`, each `call`, and what it came to, `told`. As durable as
 * a result: it is owed from the job's acceptance on, and until it is told or given up. What a receiver may see twice, it can
 * tell by the id (`messageIdOf`). Written once, over every store: its promises are the tests in `callbacks.contract.ts`.
 */
import type { DeliveryEnd, DeliveryError } from '@runlane/contract';
import { type Call, type Fact, type FactStore, ORPHAN_AFTER_MS, type Told } from './facts.js';
import type { Job, JobId, OwnerId } from './job.js';

/** The right to call, until the lease runs out. */
export interface BegunCall {
  readonly id: JobId;
  /** From 1. */
  readonly number: number;
  readonly workerId: string;
  readonly startedAtMs: number;
  readonly leaseMs: number;
}

export interface CallTerms {
  readonly workerId: string;
  /** How long the call may take, in milliseconds. */
  readonly leaseMs: number;
  readonly maxCalls: number;
}

/** What came of asking to call. */
export type CallOutcome =
  | { readonly outcome: 'begun'; readonly call: BegunCall }
  /** It is told, or given up: there is nothing to do. */
  | { readonly outcome: 'over' }
  /** Somebody else calls, or it is not yet time: not before then. */
  | { readonly outcome: 'wait'; readonly untilAtMs: number }
  /** There is to be no other call, and whoever made the last did not get to say so. */
  | { readonly outcome: 'exhausted'; readonly calls: number; readonly last: Call };

/** What came of a call. */
export interface CallEnd {
  readonly statusCode?: number;
  readonly error?: DeliveryError;
  readonly nextAtMs?: number;
}

/** A job whose end is owed to its callback, as the reconciler sees it. */
export interface Owed {
  readonly id: JobId;
  readonly ownerId: OwnerId;
  /**
   * `waits`: for the job's end, for a call's end, or for the time of the next. `due`: to be called. `settled`: there is nothing
   * to be told any more.
   */
  readonly state: 'waits' | 'due' | 'settled';
}

export interface CallHistory {
  /** In order. */
  readonly calls: readonly Call[];
  readonly told?: Told;
}

export interface Callbacks {
  /** Where the job's end is to be told, and whose it is, if anywhere: cheaper than the job. */
  calledFor(id: JobId): Promise<{ readonly url: string; readonly ownerId: OwnerId } | undefined>;
  /** Ask to call. Of many callers one gets to. */
  begin(id: JobId, terms: CallTerms): Promise<CallOutcome>;
  end(call: BegunCall, end: CallEnd): Promise<void>;
  /** Call no more; true when this decided it. Durable when this resolves. */
  conclude(id: JobId, outcome: DeliveryEnd, calls: number): Promise<boolean>;
  history(id: JobId): Promise<CallHistory>;
  isOwed(id: JobId): Promise<boolean>;
  /** What is owed, oldest first, after a cursor. */
  owed(after: JobId | undefined, limit: number): Promise<Owed[]>;
  /** Forget that it is owed: only for what is settled. */
  settle(id: JobId): Promise<void>;
  /** Remove all that is known of a job's callback. */
  remove(id: JobId): Promise<void>;
}

export interface CallbacksOptions {
  readonly facts: FactStore;
  readonly now: () => number;
}

const callId = (id: JobId, number: number) => `${id}:${number}`;

/** The same for every call of a job. */
export const messageIdOf = (id: JobId) => `msg_${id}`;

/** What is inserted with a job that has a callback. */
export function owedOf({ id, callbackUrl, createdAtMs, ownerId }: Job): Fact[] {
  return callbackUrl === undefined ? [] : [{ kind: 'owed', id, document: { createdAtMs, ownerId } }];
}

type Newest = Pick<Call, 'startedAtMs' | 'leaseMs' | 'endedAtMs' | 'nextAtMs'>;

export function createCallbacks({ facts, now }: CallbacksOptions): Callbacks {
  /** Calls are few, and numbered without gaps. */
  async function callsOf(id: JobId): Promise<Call[]> {
    const calls: Call[] = [];
    for (;;) {
      const call = await facts.get('calls', callId(id, calls.length + 1));
      if (!call) return calls;
      calls.push(call);
    }
  }

  /** The newest call of each job that has one: a reading for each number that any of them came to. */
  async function newestCalls(ids: readonly JobId[]): Promise<Map<JobId, Newest>> {
    const newest = new Map<JobId, Newest>();
    for (let number = 1, asked = ids; asked.length > 0; number += 1) {
      const nameOf = (id: JobId) => callId(id, number);
      const found = await facts.pick('calls', asked.map(nameOf), ['startedAtMs', 'leaseMs', 'endedAtMs', 'nextAtMs']);
      asked = asked.filter((id) => found.has(nameOf(id)));
      for (const id of asked) newest.set(id, found.get(nameOf(id)) as Newest);
    }
    return newest;
  }

  /** Those of old acceptances that never came to a job. */
  async function orphansAmong(ids: readonly JobId[]): Promise<Set<JobId>> {
    const inFlight = await facts.pick('inflight', ids, []);
    const orphans = new Set<JobId>();
    for (const id of ids) if (!inFlight.has(id) && !(await facts.get('jobs', id))) orphans.add(id);
    return orphans;
  }

  return {
    async calledFor(id) {
      const found = (await facts.pick('jobs', [id], ['callbackUrl', 'ownerId'])).get(id);
      return found?.callbackUrl === undefined ? undefined : { url: found.callbackUrl, ownerId: found.ownerId };
    },

    async begin(id, { workerId, leaseMs, maxCalls }) {
      if (await facts.get('told', id)) return { outcome: 'over' };
      const calls = await callsOf(id);
      const newest = calls.at(-1);
      const startedAtMs = now();
      const untilAtMs = newest ? restsUntil(newest) : 0;
      if (untilAtMs > startedAtMs) return { outcome: 'wait', untilAtMs };
      const wasLast = newest?.endedAtMs !== undefined && newest.nextAtMs === undefined;
      if (newest && (wasLast || calls.length >= maxCalls))
        return { outcome: 'exhausted', calls: calls.length, last: newest };
      const call: BegunCall = { id, number: calls.length + 1, workerId, startedAtMs, leaseMs };
      // On disk before anybody is called: what a receiver was told is in the log, and counts, whatever is killed then.
      const first = await facts.insert(callFact(call), { durable: true });
      return first ? { outcome: 'begun', call } : { outcome: 'wait', untilAtMs: startedAtMs + leaseMs };
    },

    end: (call, end) => facts.put(callFact(call, { endedAtMs: now(), ...end })),

    conclude(id, outcome, calls) {
      const document: Told = { outcome, calls, atMs: now() };
      return facts.insert({ kind: 'told', id, document }, { durable: true, removing: { kind: 'owed', id } });
    },

    async history(id) {
      const [calls, told] = await Promise.all([callsOf(id), facts.get('told', id)]);
      return { calls, ...(told && { told }) };
    },

    isOwed: async (id) => (await facts.get('owed', id)) !== undefined,

    async owed(after, limit) {
      const found = await facts.scan('owed', { after, limit });
      const ids = found.map(({ id }) => id);
      const results = await facts.pick('results', ids, ['status']);
      const ended = ids.filter((id) => results.has(id));
      const told = await facts.pick('told', ended, []);
      const newest = await newestCalls(ended.filter((id) => !told.has(id)));
      const isOld = ({ createdAtMs }: { createdAtMs: number }) => now() - createdAtMs > ORPHAN_AFTER_MS;
      const old = found.filter(({ id, document }) => !results.has(id) && isOld(document));
      const orphans = await orphansAmong(old.map(({ id }) => id));
      const isDue = (id: JobId) => {
        const call = newest.get(id);
        return results.has(id) && (!call || restsUntil(call) <= now());
      };
      return found.map(({ id, document: { ownerId } }): Owed => {
        if (told.has(id) || orphans.has(id)) return { id, ownerId, state: 'settled' };
        return { id, ownerId, state: isDue(id) ? 'due' : 'waits' };
      });
    },

    settle: (id) => facts.remove('owed', id),

    async remove(id) {
      const { length } = await callsOf(id);
      // Newest first: numbers stay without gaps if this is cut off.
      for (let number = length; number > 0; number -= 1) await facts.remove('calls', callId(id, number));
      await facts.remove('told', id);
      await facts.remove('owed', id);
    },
  };
}

/** When the next call may be made: after the pause that this one ended with, or once it must be over. */
function restsUntil({ startedAtMs, leaseMs, endedAtMs, nextAtMs = 0 }: Newest): number {
  return endedAtMs === undefined ? startedAtMs + leaseMs : nextAtMs;
}

function callFact({ id, number, ...call }: BegunCall, end: Partial<Call> = {}): Fact {
  return { kind: 'calls', id: callId(id, number), document: { ...call, ...end } };
}
