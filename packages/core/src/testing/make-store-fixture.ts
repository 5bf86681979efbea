/**
 * Writes a store as this program keeps it, in both adapters, for later programs to read: packages/core/fixtures/store-v1 was
 * made so. Before the version of the store is raised, make one of the version that is left behind:
 *
 *   node packages/core/dist/testing/make-store-fixture.js packages/core/fixtures/store-vN
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import { BSON, MongoClient } from 'mongodb';
import { createEmbeddedFactStore } from '../adapters/embedded/facts.js';
import { createMongoFactStore } from '../adapters/mongo/facts.js';
import { withSchema } from '../schema.js';
import { silentLog as log } from './jobs.js';
import { startMongoWire } from './servers.js';
import { storeJobs } from './stored-jobs.js';

const [target] = process.argv.slice(2);
if (!target) throw new Error('say where to');
const folder = await mkdtemp(join(tmpdir(), 'runlane-fixture-'));
try {
  const embedded = withSchema(createEmbeddedFactStore({ folder: `${folder}/store`, log }));
  await storeJobs(embedded);
  await embedded.close();
  // As text, entry by entry, values as their bytes.
  const db = open<Buffer, string[]>({ path: `${folder}/store/facts.lmdb`, encoding: 'binary', readOnly: true });
  const entries = [...db.getRange()].map(({ key, value }) => [...key, value.toString('base64')]);
  await db.close();
  await mkdir(target, { recursive: true });
  await writeFile(`${target}/embedded.json`, `${JSON.stringify(entries, undefined, 1)}\n`);

  const server = await startMongoWire({ dir: `${folder}/mongo` });
  const mongo = withSchema(createMongoFactStore({ url: server.url, log }));
  await storeJobs(mongo);
  await mongo.close();
  const client = await MongoClient.connect(server.url);
  const collections: Record<string, unknown> = {};
  for (const { collectionName } of await client.db('runlane').collections()) {
    collections[collectionName] = await client.db('runlane').collection(collectionName).find().toArray();
  }
  await client.close();
  await server.stop();
  await writeFile(`${target}/mongo.json`, `${BSON.EJSON.stringify(collections, undefined, 1)}\n`);
} finally {
  await rm(folder, { recursive: true, force: true });
}
