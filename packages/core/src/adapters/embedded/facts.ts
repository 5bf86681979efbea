/**
 * Facts in an LMDB file of this process's own: durable, with nothing to install or start.
 * One table with keys [kind, id], so that a fact and what goes with it are one transaction. A commit costs an fsync
 * (0.4 ms), and a job has five facts: those that need not wait for the disk are visible from memory, and go with the next
 * commit that must.
 */
import { mkdirSync } from 'node:fs';
import { RunlaneError } from '@runlane/contract';
import { open, type RootDatabase } from 'lmdb';
import type { Fact, FactKind, FactStore, Facts } from '../../facts.js';
import type { Log } from '../../log.js';
import { fromStored, toStored } from '../stored.js';

/**
 * How long what need not be on disk at once waits for a commit to go with, in milliseconds: mostly that of a short job's end. A
 * claim that dies with this process before is not counted as an attempt.
 */
const WRITE_SOON_MS = 25;

/** Kinds whose documents have keys that users made. */
const WITH_KEYS_OF_USERS: ReadonlySet<FactKind> = new Set(['jobs', 'batches']);

/** Facts that are read in one go; then others get in between. */
const READ_AT_ONCE = 100;

/** Sorts after every id: ids are ASCII. */
const LAST = '\uffff';

export interface EmbeddedFactStoreOptions {
  /** Where the file is kept; made when it is not there. Only one process may use it at a time. */
  readonly folder: string;
  readonly log: Log;
}

export function createEmbeddedFactStore({ folder, log }: EmbeddedFactStoreOptions): FactStore {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // Without overlapping, a write resolves when it is on disk; writes of the same turn share a transaction and its fsync.
  const db: RootDatabase<unknown, [FactKind, string]> = open({ path: `${folder}/facts.lmdb`, overlappingSync: false });
  /** What was written and is not committed yet. */
  const pending = new Map<string, unknown>();
  const nameOf = (kind: FactKind, id: string) => `${kind} ${id}`;
  const write = ({ kind, id, document }: Fact) =>
    db.put([kind, id], WITH_KEYS_OF_USERS.has(kind) ? toStored(document) : document);
  const restore = (kind: FactKind, stored: unknown) =>
    (WITH_KEYS_OF_USERS.has(kind) ? fromStored(stored) : stored) as never;
  const isTaken = ({ kind, id }: Fact) => pending.has(nameOf(kind, id)) || db.doesExist([kind, id]);

  /** What need not be on disk at once: it goes with the next commit that does, or soon by itself. */
  const waiting: Fact[] = [];
  let timer: NodeJS.Timeout | undefined;

  async function commit(facts: readonly Fact[], alongside?: () => void): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    const all = [...waiting.splice(0), ...facts];
    for (const { kind, id, document } of facts) pending.set(nameOf(kind, id), document);
    try {
      await db.batch(() => {
        for (const fact of all) void write(fact);
        alongside?.();
      });
    } catch (cause) {
      throw new RunlaneError('STORE_UNAVAILABLE', 'the job could not be written to disk', { cause });
    } finally {
      for (const { kind, id, document } of all) {
        // A later put of the same document may be on its way.
        if (pending.get(nameOf(kind, id)) === document) pending.delete(nameOf(kind, id));
      }
    }
  }

  const commitSoon = () => void commit([]).catch((error) => log.error(error, 'facts were not stored'));

  function writeSoon(fact: Fact): void {
    pending.set(nameOf(fact.kind, fact.id), fact.document);
    waiting.push(fact);
    timer ??= setTimeout(commitSoon, WRITE_SOON_MS);
  }

  const find = <K extends FactKind>(kind: K, id: string) =>
    (pending.get(nameOf(kind, id)) ?? restore(kind, db.get([kind, id]))) as Facts[K] | undefined;

  /** A scan reads the file: it must not miss what was taken and is only pending. */
  async function everythingWritten(): Promise<void> {
    if (waiting.length > 0) await commit([]);
    else if (pending.size > 0) await db.flushed;
  }

  return {
    async insert(fact, { durable, with: companions = [], removing, onVisible }) {
      if (isTaken(fact)) {
        // Who hears that somebody was first may rely on it as well.
        if (durable) await everythingWritten();
        return false;
      }
      if (!durable && companions.length === 0 && !removing) {
        writeSoon(fact);
        onVisible?.();
        return true;
      }
      const committed = commit([...companions, fact], () => {
        if (removing) void db.remove([removing.kind, removing.id]);
      });
      onVisible?.();
      await committed;
      return true;
    },
    async insertAll(facts) {
      const free = facts.filter((fact) => !isTaken(fact));
      const committed = commit(free);
      await Promise.all([committed, free.length < facts.length && everythingWritten()]);
    },
    get: async (kind, id) => find(kind, id) as never,
    async pick(kind, ids, fields) {
      const picked = new Map<string, never>();
      for (const [index, id] of ids.entries()) {
        if (index % READ_AT_ONCE === READ_AT_ONCE - 1) await new Promise(setImmediate);
        const document = find(kind, id);
        if (document) picked.set(id, fieldsOf(document, fields) as never);
      }
      return picked;
    },
    put: async (fact) => writeSoon(fact),
    async remove(kind, id) {
      // A write of the same document must not come after.
      await everythingWritten();
      await db.remove([kind, id]);
    },
    async scan(kind, { after, descending = false, limit }) {
      await everythingWritten();
      const start: [FactKind, string] = [kind, after ?? (descending ? LAST : '')];
      const end: [FactKind, string] = [kind, descending ? '' : LAST];
      const range = db.getRange({ start, end, reverse: descending, limit, exclusiveStart: after !== undefined });
      return Array.from(range, ({ key, value }) => ({ id: key[1], document: restore(kind, value) }));
    },
    async count(kind) {
      await everythingWritten();
      return db.getKeysCount({ start: [kind, ''], end: [kind, LAST] });
    },
    ping: async () => {},
    async close() {
      await everythingWritten();
      await db.close();
    },
  };
}

function fieldsOf<T extends object>(document: T, fields: readonly (keyof T)[]): Partial<T> {
  const there = fields.filter((field) => document[field] !== undefined);
  return Object.fromEntries(there.map((field) => [field, document[field]])) as Partial<T>;
}
