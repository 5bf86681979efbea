/** What clients saw, written down as they see it: who judges reads it afterwards. */
import { createHash } from 'node:crypto';
import type { Submission } from './programs.js';

/** A job in a final status, as somebody saw it. */
export interface SeenEnd {
  readonly status: string;
  readonly attempt: number;
  readonly stdout: string;
  readonly message?: string | undefined;
  /** Of everything that may never change once a job has ended. */
  readonly digest: string;
}

export interface Entry {
  readonly submission: Submission;
  readonly key: string;
  readonly door: 'REST' | 'gRPC';
  /** Ids that were answered under its key. */
  readonly ids: Set<string>;
  /** Index of the fault under way, or last over, when it was accepted. */
  fault?: number;
  /** Every different end that anybody saw, the first first. */
  readonly ends: SeenEnd[];
}

export interface Ledger {
  readonly entries: readonly Entry[];
  /** What no client may ever see: answers that were late, or that blame the service. */
  readonly violations: readonly string[];
  open(submission: Submission, door: Entry['door']): Entry;
  accepted(entry: Entry, id: string, fault: number): void;
  ended(entry: Entry, end: SeenEnd): void;
  violated(what: string): void;
}

export function createLedger(seed: number): Ledger {
  const entries: Entry[] = [];
  const violations: string[] = [];
  return {
    entries,
    violations,
    open(submission, door) {
      const entry: Entry = {
        submission,
        key: `chaos-${seed}-${submission.number}`,
        door,
        ids: new Set(),
        ends: [],
      };
      entries.push(entry);
      return entry;
    },
    accepted(entry, id, fault) {
      entry.ids.add(id);
      entry.fault ??= fault;
    },
    ended(entry, end) {
      if (!entry.ends.some(({ digest }) => digest === end.digest)) entry.ends.push(end);
    },
    violated(what) {
      violations.push(what);
    },
  };
}

export const isAccepted = ({ ids }: Entry) => ids.size > 0;
export const isEnded = ({ ends }: Entry) => ends.length > 0;

/** One number for everything that a client was told, whichever way: doors tell times to different exactness, so those are left out. */
export function digestOf(...parts: readonly (string | number | null)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}
