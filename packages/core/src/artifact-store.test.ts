import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { MongoClient } from 'mongodb';
import { createFileArtifactStore } from './adapters/filesystem/artifact-store.js';
import { createMongoArtifactStore } from './adapters/mongo/artifact-store.js';
import { testArtifactStore } from './artifact-store.contract.js';
import { silentLog as log } from './testing/jobs.js';
import { skipWithout, startMongoWire } from './testing/servers.js';

const folder = mkdtempSync(join(tmpdir(), 'runlane-artifacts-'));
const skip = skipWithout('mongo-wire');
const server = skip ? (undefined as never) : await startMongoWire({ dir: join(folder, 'mongo') });
after(async () => {
  if (!skip) await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

testArtifactStore('file', async () => ({
  store: createFileArtifactStore(join(folder, 'files')),
  damage: (digest) => writeFile(join(folder, 'files', digest.slice(0, 2), digest), 'damaged'),
}));

testArtifactStore(
  'MongoDB',
  async () => {
    const { url } = server;
    return {
      store: createMongoArtifactStore({ url, dbName: 'artifacts', log }),
      async damage(digest) {
        const client = new MongoClient(url);
        const chunks = client.db('artifacts').collection<{ _id: string }>('artifacts.chunks');
        await chunks.updateOne({ _id: `${digest}:1` }, { $set: { data: Buffer.from('damaged') } });
        await client.close();
      },
    };
  },
  skip,
);
