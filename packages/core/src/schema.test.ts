import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { open as openLmdb } from 'lmdb';
import { BSON, MongoClient } from 'mongodb';
import { createEmbeddedFactStore } from './adapters/embedded/facts.js';
import { createMongoFactStore } from './adapters/mongo/facts.js';
import { createKeyStore } from './api-key.js';
import { FACT_KINDS, type FactStore } from './facts.js';
import { ANONYMOUS } from './job.js';
import { assertKnownVersion, type Migration, type Schema, withSchema } from './schema.js';
import { silentLog as log, untilAnswers, withBuffers } from './testing/jobs.js';
import { skipWithout, startMongoWire } from './testing/servers.js';
import { STORED_BATCH, STORED_JOBS, STORED_KEYS, storeJobs, storeThen } from './testing/stored-jobs.js';

/** What version 1 of this program kept, as it lay there. */
const FIXTURE = fileURLToPath(new URL('../fixtures/store-v1', import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'runlane-schema-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const skip = skipWithout('mongo-wire');
const server = skip ? (undefined as never) : await startMongoWire({ dir: join(folder, 'mongo') });
after(() => skip || server.stop());

interface Adapter {
  readonly name: string;
  readonly skip: string | false;
  /** The store of that name, which keeps what it has between openings. */
  open(name: string): FactStore;
  /** Give the store of that name what version 1 kept. */
  restore(name: string): Promise<void>;
}

const ADAPTERS: readonly Adapter[] = [
  {
    name: 'embedded',
    skip: false,
    open: (name) => createEmbeddedFactStore({ folder: join(folder, name), log }),
    async restore(name) {
      mkdirSync(join(folder, name));
      const db = openLmdb<Buffer, string[]>({ path: join(folder, name, 'facts.lmdb'), encoding: 'binary' });
      for (const [kind, id, value] of JSON.parse(readFileSync(join(FIXTURE, 'embedded.json'), 'utf8')))
        await db.put([kind, id], Buffer.from(value, 'base64'));
      await db.close();
    },
  },
  {
    name: 'MongoDB',
    skip,
    open: (name) => createMongoFactStore({ url: server.url, dbName: name, log }),
    async restore(name) {
      const collections = BSON.EJSON.parse(readFileSync(join(FIXTURE, 'mongo.json'), 'utf8'));
      const client = await MongoClient.connect(server.url);
      for (const [kind, documents] of Object.entries(collections))
        await client
          .db(name)
          .collection(kind)
          .insertMany(documents as never);
      await client.close();
    },
  },
];

const versionsOf = async (facts: FactStore) => (await facts.scan('schema', { limit: 100 })).map(({ id }) => Number(id));
const countsOf = (facts: FactStore) => Promise.all(FACT_KINDS.map((kind) => facts.count(kind)));

/** All that a client could be told of the stored jobs. */
async function seen(facts: FactStore): Promise<unknown> {
  const store = storeThen(facts);
  const ids = Object.values(STORED_JOBS);
  return withBuffers({
    jobs: await Promise.all(ids.map((id) => store.get(id))),
    saved: await Promise.all(ids.map((id) => store.saved(id))),
    inFlight: await store.inFlight(undefined, 100),
    cancelled: await Promise.all(ids.map((id) => store.isCancelled(id))),
    owed: await store.callbacks.owed(undefined, 100),
    batch: await store.batch(STORED_BATCH),
    list: await store.list({ ownerId: ANONYMOUS, limit: 100 }),
    reservation: await store.reservation(ANONYMOUS, 'a-key'),
    build: await store.build('c'.repeat(64)),
    keys: await Promise.all(STORED_KEYS.map(({ id }) => createKeyStore(facts).get(id))),
  });
}

/** A form of version 2, as one could come: what ends a job says so in another place, under another name. */
const TO_2: Migration = {
  to: 2,
  async run(facts) {
    for (const { id, document } of await facts.scan('cancellations', { limit: 1_000 })) {
      if (!('wishedAtMs' in document)) {
        const moved = { createdAtMs: document.createdAtMs, wishedAtMs: document.createdAtMs };
        await facts.put({ kind: 'cancellations', id, document: moved });
      }
    }
  },
};
const AT_2: Schema = { migrations: [TO_2], newestKnown: 2 };
const wishOf = async (facts: FactStore) => (await facts.get('cancellations', STORED_JOBS.cancelled)) as object;

for (const { name, skip, open, restore } of ADAPTERS) {
  describe(`over the ${name} store`, { skip }, () => {
    const opened: FactStore[] = [];
    after(() => Promise.all(opened.map((facts) => facts.close())));
    /** As after the end of every other program that had it open: two do not share an embedded one. */
    async function reopen(store: string, schema?: Schema) {
      await opened.pop()?.close();
      const bare = open(store);
      opened.push(bare);
      return { bare, facts: schema ? withSchema(bare, schema) : withSchema(bare) };
    }

    test('a store that version 1 left is read as it was meant', async () => {
      const fresh = await reopen('fresh');
      await storeJobs(fresh.facts);
      const expected = await seen(fresh.facts);
      await restore('left');
      const { facts } = await reopen('left');
      await assertKnownVersion(facts);
      assert.deepEqual(await seen(facts), expected);
    });

    test('a new store is marked with its version, as is one from before there were marks', async () => {
      const { bare, facts } = await reopen('new');
      await bare.insert({ kind: 'cancellations', id: 'old', document: { createdAtMs: 1 } }, { durable: true });
      await facts.ping();
      assert.deepEqual(await versionsOf(bare), [1]);
    });

    test('a newer program brings a store of version 1 forward, once, and finds everything in it', async () => {
      await restore('forward');
      let runs = 0;
      const counted: Migration = {
        to: 2,
        async run(facts) {
          await TO_2.run(facts);
          runs += 1;
        },
      };
      const schema = { migrations: [counted], newestKnown: 2 };
      const first = await reopen('forward', schema);
      const before = await seen(first.bare);
      await assertKnownVersion(first.facts);
      assert.deepEqual([runs, await versionsOf(first.bare)], [1, [1, 2]]);
      assert.ok('wishedAtMs' in (await wishOf(first.facts)));
      assert.deepEqual(await seen(first.facts), before);
      await assertKnownVersion((await reopen('forward', schema)).facts);
      assert.equal(runs, 1);
    });

    test('a migration that was broken off is done again, and two at once lead to the same', async () => {
      await restore('broken');
      const breaks: Migration = { to: 2, run: () => Promise.reject(new Error('the plug was pulled')) };
      const { bare, facts } = await reopen('broken', { migrations: [breaks], newestKnown: 2 });
      await assert.rejects(facts.get('jobs', STORED_JOBS.waiting), /the plug was pulled/);
      assert.deepEqual(await versionsOf(bare), [1]);
      await Promise.all([1, 2].map(() => withSchema(bare, AT_2).ping()));
      assert.deepEqual(await versionsOf(bare), [1, 2]);
      assert.ok('wishedAtMs' in (await wishOf(bare)));
    });

    test('an older program refuses a newer store, says why, and has written nothing', async () => {
      await restore('newer');
      const { bare } = await reopen('newer', AT_2);
      await assertKnownVersion(withSchema(bare, AT_2));
      const before = await countsOf(bare);
      const facts = withSchema(bare);
      const refused = /store is of version 2, and this program knows versions up to 1: start the Runlane that used it/;
      await assert.rejects(assertKnownVersion(facts), refused);
      await assert.rejects(storeJobs(facts), refused);
      await assert.rejects(facts.put({ kind: 'cancellations', id: 'x', document: { createdAtMs: 1 } }), refused);
      assert.deepEqual(await countsOf(bare), before);
      // Control: the same calls of a program that knows the version do write.
      await withSchema(bare, AT_2).put({ kind: 'cancellations', id: 'x', document: { createdAtMs: 1 } });
      assert.notDeepEqual(await countsOf(bare), before);
    });

    test('a program that knows the next version works on it, and does not write it itself', async () => {
      await restore('between');
      const between: Schema = { migrations: [], newestKnown: 2 };
      const { bare, facts } = await reopen('between', between);
      await facts.ping();
      assert.deepEqual(await versionsOf(bare), [1]);
      await withSchema(bare, AT_2).ping();
      await withSchema(bare, between).ping();
      assert.ok(await withSchema(bare, between).get('jobs', STORED_JOBS.waiting));
    });
  });
}

test('a store that is away does not keep a program from starting, and is looked at when it is back', {
  skip,
}, async () => {
  const away = createMongoFactStore({ url: 'mongodb://127.0.0.1:1', log });
  await assertKnownVersion(withSchema(away));
  await away.close();
  const bare = createMongoFactStore({ url: server.url, dbName: 'back', log });
  await server.kill('SIGSTOP');
  const facts = withSchema(bare);
  try {
    await assertKnownVersion(facts);
  } finally {
    await server.kill('SIGCONT');
  }
  await untilAnswers(facts);
  assert.deepEqual(await versionsOf(bare), [1]);
  await bare.close();
});
