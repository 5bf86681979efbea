import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { createEmbeddedFactStore } from './adapters/embedded/facts.js';
import { createMongoFactStore } from './adapters/mongo/facts.js';
import { testCallbacks } from './callbacks.contract.js';
import { silentLog as log } from './testing/jobs.js';
import { skipWithout, startMongoWire } from './testing/servers.js';

const folder = mkdtempSync(join(tmpdir(), 'runlane-callbacks-'));
const skip = skipWithout('mongo-wire');
const server = skip ? (undefined as never) : await startMongoWire({ dir: join(folder, 'mongo') });
after(async () => {
  if (!skip) await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

testCallbacks('LMDB', async () => createEmbeddedFactStore({ folder: join(folder, 'contract'), log }));
testCallbacks('MongoDB', async () => createMongoFactStore({ url: server.url, dbName: 'contract', log }), skip);
