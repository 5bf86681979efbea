/**
 * Facts in MongoDB: a collection for each kind, `_id` the fact's id, its document beside it. Who is first is decided by
 * inserts under a known `_id` alone, and everything is looked up by `_id` alone: that works alike on a replica set, on a
 * single server and on what else speaks the protocol, without transactions.
 */
import { randomUUID } from 'node:crypto';
import { type Collection, MongoBulkWriteError } from 'mongodb';
import type { Fact, FactKind, FactStore } from '../../facts.js';
import { fromStored, toStored } from '../stored.js';
import { DUPLICATE_KEY, isDuplicate, type MongoOptions, openMongo } from './server.js';

interface StoredFact {
  readonly _id: string;
  /** Names the insert. A write that failed may have been done all the same; by this it is known again. */
  readonly token: string;
  readonly document: unknown;
}

export function createMongoFactStore(options: MongoOptions): FactStore {
  const { db, call, close } = openMongo(options);
  const collection = (kind: FactKind): Collection<StoredFact> => db.collection<StoredFact>(kind);

  /** @param durable wait for the journal as well; on a replica set "majority" does so anyway. */
  function insertOnce({ kind, id, document }: Fact, durable: boolean): Promise<boolean> {
    const stored: StoredFact = { _id: id, token: randomUUID(), document: toStored(document) };
    const writeConcern = { w: 'majority', ...(durable && { journal: true }) } as const;
    let tries = 0;
    return call(async () => {
      tries += 1;
      try {
        await collection(kind).insertOne(stored, { writeConcern });
        return true;
      } catch (error) {
        if (!isDuplicate(error)) throw error;
        if (tries === 1) return false;
        // An earlier try failed without our knowing how. Majority: what may yet be rolled back does not count.
        const first = await collection(kind).findOne({ _id: id }, { readConcern: 'majority' });
        if (!first) throw error;
        return first.token === stored.token;
      }
    });
  }

  /** Those whose ids are taken stay as they are; a repetition after an unclear end adds what is missing. */
  function insertMissing(kind: FactKind, facts: readonly Fact[]): Promise<unknown> {
    const stored = facts.map(({ id, document }) => ({ _id: id, token: randomUUID(), document: toStored(document) }));
    const options = { ordered: false, writeConcern: { w: 'majority', journal: true } } as const;
    return call(() =>
      collection(kind)
        .insertMany(stored, options)
        .catch((error) => {
          if (!areAllDuplicates(error)) throw error;
        }),
    );
  }

  const removeOnce = (kind: FactKind, id: string) => call(() => collection(kind).deleteOne({ _id: id }));

  return {
    async insert(fact, { durable, with: companions = [], removing, onVisible }) {
      // A crash in between leaves a companion alone, which is harmless; it stays even when the fact's id is taken, for
      // by then it may belong to the fact that took it.
      for (const companion of companions) await insertOnce(companion, false);
      const isFirst = await insertOnce(fact, durable);
      if (isFirst) onVisible?.();
      if (isFirst && removing) {
        await removeOnce(removing.kind, removing.id).catch((error) =>
          options.log.warn({ err: error, ...removing }, 'left behind, to be removed later'),
        );
      }
      return isFirst;
    },

    async insertAll(facts) {
      for (const kind of new Set(facts.map((fact) => fact.kind))) {
        await insertMissing(
          kind,
          facts.filter((fact) => fact.kind === kind),
        );
      }
    },

    async pick(kind, ids, fields) {
      if (ids.length === 0) return new Map();
      const projection = Object.fromEntries(
        ['_id', ...fields.map((field) => `document.${field}`)].map((at) => [at, 1]),
      );
      const found = await call(() =>
        collection(kind)
          .find({ _id: { $in: [...ids] } }, { projection })
          .toArray(),
      );
      return new Map(found.map(({ _id: id, document }) => [id, fromStored(document ?? {}) as never]));
    },

    async get(kind, id) {
      const found = await call(() => collection(kind).findOne({ _id: id }));
      return found ? (fromStored(found.document) as never) : undefined;
    },

    async put({ kind, id, document }) {
      const stored = { token: randomUUID(), document: toStored(document) };
      await call(() => collection(kind).replaceOne({ _id: id }, stored, { upsert: true }));
    },

    async remove(kind, id) {
      await removeOnce(kind, id);
    },

    async scan(kind, { after, descending = false, limit }) {
      if (limit === 0) return [];
      const filter = after === undefined ? {} : { _id: descending ? { $lt: after } : { $gt: after } };
      const sort = { _id: descending ? -1 : 1 } as const;
      const found = await call(() => collection(kind).find(filter, { sort, limit }).toArray());
      return found.map(({ _id: id, document }) => ({ id, document: fromStored(document) as never }));
    },

    count: (kind) => call(() => collection(kind).countDocuments()),

    async ping() {
      await call(() => db.command({ ping: 1 }));
    },

    close,
  };
}

function areAllDuplicates(error: unknown): boolean {
  if (!(error instanceof MongoBulkWriteError)) return false;
  const failures = Array.isArray(error.writeErrors) ? error.writeErrors : [error.writeErrors];
  return (
    failures.length > 0 && failures.every(({ code }) => code === DUPLICATE_KEY) && !error.result.getWriteConcernError()
  );
}
