/**
 * Facts in an LMDB file of this process's own: durable, with nothing to install or start.
 * One table with keys [kind, id], so that a fact and what goes with it are one transaction. A commit costs an fsync
 * (0.4 ms), and a job has five: what need not wait for the disk is visible from memory until its commit is through.
 */
import { mkdirSync } from 'node:fs';
import { RunlaneError } from '@runlane/contract';
import { open, type RootDatabase } from 'lmdb';
import type { Fact, FactKind, FactStore } from '../../facts.js';
import type { Log } from '../../log.js';
import { fromStored, toStored } from '../stored.js';

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
  // Only a job has keys that users made.
  const write = ({ kind, id, document }: Fact) => db.put([kind, id], kind === 'jobs' ? toStored(document) : document);
  const restore = (kind: FactKind, stored: unknown) => (kind === 'jobs' ? fromStored(stored) : stored) as never;

  async function commit(fact: Fact, work: () => unknown): Promise<void> {
    const name = nameOf(fact.kind, fact.id);
    pending.set(name, fact.document);
    try {
      await work();
    } catch (cause) {
      throw new RunlaneError('STORE_UNAVAILABLE', 'the job could not be written to disk', { cause });
    } finally {
      // A later put of the same document may be on its way.
      if (pending.get(name) === fact.document) pending.delete(name);
    }
  }

  const inBackground = (written: Promise<void>) =>
    void written.catch((error) => log.error(error, 'a fact was not stored'));

  /** A scan reads the file: it must not miss what was taken and is only pending. */
  const everythingWritten = async () => void (pending.size > 0 && (await db.flushed));

  return {
    async insert(fact, { durable, with: companion, removing }) {
      if (pending.has(nameOf(fact.kind, fact.id)) || db.doesExist([fact.kind, fact.id])) {
        // Who hears that somebody was first may rely on it as well.
        if (durable) await db.flushed;
        return false;
      }
      const written = commit(fact, () =>
        db.batch(() => {
          for (const each of companion ? [companion, fact] : [fact]) void write(each);
          if (removing) void db.remove([removing.kind, removing.id]);
        }),
      );
      if (durable) await written;
      else inBackground(written);
      return true;
    },
    get: async (kind, id) => (pending.get(nameOf(kind, id)) ?? restore(kind, db.get([kind, id]))) as never,
    put: async (fact) => inBackground(commit(fact, () => write(fact))),
    async remove(kind, id) {
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
      await db.flushed;
      await db.close();
    },
  };
}
