/**
 * Facts: the only thing that a store keeps. Whatever decides something about a job (that it was accepted, who may run it,
 * how it ended) is one document inserted under a known id, and the first insert wins. That has exactly one winner on
 * every server that speaks MongoDB, which conditional updates have not, and needs no transaction.
 * What a job is, as facts: `job-store.ts`.
 */
import type { DeliveryEnd, DeliveryError } from '@runlane/contract';
import type { ApiKey } from './api-key.js';
import type { Batch } from './batch.js';
import type { CompileResult, Job, Limits, OwnerId, Result } from './job.js';
import type { TracePlace } from './tracing/tracing.js';
import type { WorkerRecord } from './worker-record.js';

/** Somebody works on a stage of a job: the claim, kept alive by heartbeats. Only the one who made it may change it. */
export interface Attempt {
  readonly workerId: string;
  readonly startedAtMs: number;
  readonly heartbeatAtMs: number;
  /** How long after a heartbeat the claim still holds. */
  readonly leaseMs: number;
  /** Holds no longer. `handed_back`: the worker stops, or a runner is away; such an attempt is not counted. `failed`: the platform could not do it. */
  readonly ended?: 'handed_back' | 'failed';
  /** Where it is in the job's trace, for whoever has to tell of it when it fell silent. */
  readonly trace?: TracePlace;
}

/** Sources made ready to run. */
export interface Prepared {
  readonly artifactDigest: string;
  /** The version that compiled it, which is to run it too; unset where nothing was compiled. */
  readonly version?: string;
  readonly compile?: CompileResult;
}

/** The save stage is done: what the execution stage needs. */
export interface Saved extends Prepared {
  /** Of the program that judges, in test mode. */
  readonly checker?: Prepared;
  /** From then on it can be run; absent from what an older worker saved. */
  readonly savedAtMs?: number;
}

/** The result of a job and the attempt that made it; 0 when none did. */
export interface StoredResult extends Result {
  readonly attempt: number;
  readonly finishedAtMs: number;
}

/** Somebody calls, or called, a job's callback: the claim, and what came of it. Only the one who made it may change it. */
export interface Call {
  readonly workerId: string;
  readonly startedAtMs: number;
  /** How long after its start it may be under way; without an end by then, whoever made it is gone. */
  readonly leaseMs: number;
  readonly endedAtMs?: number;
  /** What the receiver answered; absent where it did not. */
  readonly statusCode?: number;
  /** Why it did not. */
  readonly error?: DeliveryError;
  /** When to call again; absent where this was the last. */
  readonly nextAtMs?: number;
}

/** A job's callback is called no more. */
export interface Told {
  readonly outcome: DeliveryEnd;
  readonly calls: number;
  readonly atMs: number;
}

/** What a compile of these sources by this toolchain led to; its artifact is "" when the compiler refused, which is soon forgotten. */
export interface Build extends Prepared {
  readonly createdAtMs: number;
}

/** An idempotency key is taken by this job or batch; which of them, the digest tells apart. */
export interface IdempotencyClaim {
  readonly acceptedId: string;
  readonly bodyDigest: string;
  readonly createdAtMs: number;
}

/** A language as a runner offered it; each worker refreshes what its runners say. */
export interface OfferedLanguage {
  readonly name: string;
  /** Its name as people write it. Like the next two, absent from what an older worker recorded. */
  readonly title?: string;
  readonly compiled?: boolean;
  /** Why it cannot be used there, and what to do about it; absent where it can. Version and limits are empty then. */
  readonly unavailableReason?: string;
  readonly version: string;
  readonly aliases: readonly string[];
  /** Programs can be run in a terminal; absent from what an older worker recorded. */
  readonly terminal?: boolean;
  readonly entry: string;
  readonly defaultLimits: Limits;
  readonly maximumLimits: Limits;
}

/** A runner as a worker last saw it. A projection, not a decision: anyone may overwrite it. */
export interface RunnerRecord {
  /** In the runner's order: of several versions of a language, the first is its default. */
  readonly languages: readonly OfferedLanguage[];
  readonly slots: number;
  readonly isolation: {
    readonly driver: string;
    readonly summary: string;
    readonly weak: boolean;
    readonly layers: readonly { readonly name: string; readonly holds: boolean; readonly detail: string }[];
  };
  readonly seenAtMs: number;
}

/** Every kind of fact and its document. Kinds are the collections' names. */
export interface Facts {
  jobs: Job;
  /** The job has no result yet: the only thing that is ever scanned for work. */
  inflight: { readonly createdAtMs: number; readonly ownerId: OwnerId; readonly priority?: number };
  saved: Saved;
  attempts: Attempt;
  results: StoredResult;
  /** The job's end is still to be told to its callback: what is scanned for that, as `inflight` is for work. */
  owed: { readonly createdAtMs: number; readonly ownerId: OwnerId };
  calls: Call;
  told: Told;
  cancellations: { readonly createdAtMs: number };
  /** Somebody is, or was, attached to an interactive job: once, for all time. */
  attachments: { readonly createdAtMs: number };
  /** Inserted once all of its jobs are there. */
  batches: Batch;
  builds: Build;
  idempotency: IdempotencyClaim;
  runners: RunnerRecord;
  workers: WorkerRecord;
  keys: ApiKey;
  /** By the id of the key. */
  revocations: { readonly createdAtMs: number };
  /** By the number of the version: `schema.ts`. */
  schema: { readonly createdAtMs: number };
}

export const FACT_KINDS = [
  'jobs',
  'inflight',
  'saved',
  'attempts',
  'results',
  'owed',
  'calls',
  'told',
  'cancellations',
  'attachments',
  'batches',
  'builds',
  'idempotency',
  'runners',
  'workers',
  'keys',
  'revocations',
  'schema',
] as const satisfies readonly (keyof Facts)[];

export type FactKind = keyof Facts;

/** A fact with its id. */
export type Fact<K extends FactKind = FactKind> = {
  [Kind in K]: { readonly kind: Kind; readonly id: string; readonly document: Facts[Kind] };
}[K];

/**
 * What is inserted with a job, `inflight` and `owed`, but has had none for this long, in milliseconds, is what a crash left of an
 * acceptance nobody was told of.
 */
export const ORPHAN_AFTER_MS = 60_000;

export interface InsertOptions {
  /**
   * `true`: on disk before this resolves. `false`: visible to every reader when it resolves, on disk soon after.
   * A server that syncs by itself may treat both alike.
   */
  readonly durable: boolean;
  /**
   * Called once, before this resolves, when every reader can see the fact; on a store that makes it visible before it is on
   * disk, there is work to be done meanwhile. Not called when the id is taken, or the store fails.
   */
  readonly onVisible?: () => void;
  /** Inserted with the fact: in one transaction where there is one, else before it, in this order (they are harmless alone). */
  readonly with?: readonly Fact[];
  /** Removed with the fact: in one transaction where there is one, else after it. */
  readonly removing?: { readonly kind: FactKind; readonly id: string };
}

export interface ScanOptions {
  /** Start after this id (before it, when `descending`); from the end of the range when absent. */
  readonly after?: string | undefined;
  readonly descending?: boolean;
  readonly limit: number;
}

/**
 * What every adapter promises is stated as tests in `facts.contract.ts`. All methods throw `STORE_UNAVAILABLE` within 2 s
 * when the server is away or frozen; what was to be written may then be written all the same. A document that the server
 * could never take (MongoDB: 16 MiB) throws `PAYLOAD_TOO_LARGE`.
 */
export interface FactStore {
  /** Insert under a free id; false when the id is taken, and then nothing changes. Exactly one of many callers gets true. */
  insert(fact: Fact, options: InsertOptions): Promise<boolean>;
  /**
   * Insert each fact whose id is free and leave the others as they are; durable when this resolves. Together, so that many
   * do not wait for the disk one after the other. Those of one kind are there before the next kind's, in the order given;
   * when it throws, or the process dies, some may be there.
   */
  insertAll(facts: readonly Fact[]): Promise<void>;
  get<K extends FactKind>(kind: K, id: string): Promise<Facts[K] | undefined>;
  /** Of many facts these fields alone, by id, those that there are: what is large in them need not be read. */
  pick<K extends FactKind, F extends keyof Facts[K] & string>(
    kind: K,
    ids: readonly string[],
    fields: readonly F[],
  ): Promise<Map<string, Pick<Facts[K], F>>>;
  /** Overwrite or create. Decides nothing: only for documents with a single writer, and for projections. */
  put(fact: Fact): Promise<void>;
  remove(kind: FactKind, id: string): Promise<void>;
  /** Facts in the order of their ids. */
  scan<K extends FactKind>(kind: K, options: ScanOptions): Promise<{ id: string; document: Facts[K] }[]>;
  count(kind: FactKind): Promise<number>;
  /** Resolves when the store answers; throws `STORE_UNAVAILABLE` otherwise. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
