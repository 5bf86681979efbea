/** Every adapter, and which of them a process works with. Only the `main.ts` files need this. */
import { mkdirSync } from 'node:fs';
import { createKeyStore, type KeyStore } from '../api-key.js';
import type { ArtifactStore } from '../artifact-store.js';
import type { Closer } from '../closer.js';
import type { FactStore } from '../facts.js';
import type { JobFeed } from '../job-feed.js';
import { createJobStore, type JobStore } from '../job-store.js';
import { createLatencies, type Latencies } from '../latencies.js';
import type { Log } from '../log.js';
import { METER_WINDOWS_SECONDS, type Meters } from '../meter.js';
import { assertKnownVersion, withSchema } from '../schema.js';
import { createWorkerRecords, type WorkerRecords } from '../worker-record.js';
import { type BullJobQueue, createBullJobQueue } from './bull/job-queue.js';
import { createEmbeddedFactStore } from './embedded/facts.js';
import { createEmbeddedJobFeed } from './embedded/job-feed.js';
import { createEmbeddedJobQueue, type EmbeddedJobQueue } from './embedded/job-queue.js';
import { createEmbeddedMeter } from './embedded/meter.js';
import { createFileArtifactStore } from './filesystem/artifact-store.js';
import { createMongoArtifactStore } from './mongo/artifact-store.js';
import { createMongoFactStore } from './mongo/facts.js';
import { createRedisJobFeed } from './redis/job-feed.js';
import { createRedisMeters } from './redis/meter.js';

export { type Backup, backUpEmbedded } from './embedded/backup.js';
export type { Delivery, EmbeddedJobQueue } from './embedded/job-queue.js';

/** The board shows each kind in its own way. */
export type OpenQueue =
  | { readonly kind: 'bull'; readonly queue: BullJobQueue }
  | { readonly kind: 'embedded'; readonly queue: EmbeddedJobQueue };

export interface OpenPorts {
  readonly store: JobStore;
  readonly artifacts: ArtifactStore;
  readonly openQueue: OpenQueue;
  readonly feed: JobFeed;
  readonly keys: KeyStore;
  readonly workers: WorkerRecords;
  readonly meters: Meters;
  readonly latencies: Latencies;
}

interface Context extends Opening {
  readonly latencies: Latencies;
}

interface Opening {
  readonly closer: Closer;
  readonly log: Log;
}

interface StoreConfig {
  readonly LEASE_SECONDS: number;
  readonly MAX_ATTEMPTS: number;
}

export const STORE_VARIABLES = ['LEASE_SECONDS', 'MAX_ATTEMPTS', 'MONGO_URL', 'REDIS_URL'] as const;

/** The ports of one process that holds the whole platform: each from its server where there is an address, else embedded. */
export async function openPorts(
  config: StoreConfig & {
    readonly MONGO_URL: string | undefined;
    readonly REDIS_URL: string | undefined;
    readonly DATA_DIR: string;
  },
  opening: Opening,
): Promise<OpenPorts> {
  const { MONGO_URL: mongoUrl, REDIS_URL: redisUrl, DATA_DIR: folder } = config;
  const context = { ...opening, latencies: createLatencies() };
  const kept = mongoUrl ? await openMongo(mongoUrl, config, context) : await openEmbeddedStore(folder, config, context);
  const moved = redisUrl ? openRedis(redisUrl, context) : openEmbeddedQueue(context);
  return { ...kept, ...moved, latencies: context.latencies };
}

/** The ports of a service by itself. @throws Error when an address is missing: processes share nothing else. */
export async function openDistributedPorts(
  config: StoreConfig & { readonly MONGO_URL: string | undefined; readonly REDIS_URL: string | undefined },
  opening: Opening,
): Promise<OpenPorts> {
  const { MONGO_URL: mongoUrl, REDIS_URL: redisUrl } = config;
  if (!mongoUrl || !redisUrl) {
    throw new Error('a service by itself needs MONGO_URL and REDIS_URL; `npm start` runs everything without them');
  }
  const context = { ...opening, latencies: createLatencies() };
  const kept = await openMongo(mongoUrl, config, context);
  return { ...kept, ...openRedis(redisUrl, context), latencies: context.latencies };
}

async function openMongo(url: string, config: StoreConfig, { closer, log, latencies }: Context) {
  const facts = withSchema(latencies.timed('store', createMongoFactStore({ url, log })));
  closer.add({ name: 'store', close: () => facts.close() });
  await assertKnownVersion(facts);
  const artifacts = latencies.timed('artifacts', createMongoArtifactStore({ url, log }));
  closer.add({ name: 'artifacts', close: () => artifacts.close() });
  return { ...storesOver(facts, config), artifacts };
}

async function openEmbeddedStore(folder: string, config: StoreConfig, { closer, log, latencies }: Context) {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const facts = withSchema(latencies.timed('store', createEmbeddedFactStore({ folder: `${folder}/store`, log })));
  closer.add({ name: 'store', close: () => facts.close() });
  await assertKnownVersion(facts);
  const artifacts = latencies.timed('artifacts', createFileArtifactStore(`${folder}/artifacts`));
  return { ...storesOver(facts, config), artifacts };
}

const storesOver = (facts: FactStore, { LEASE_SECONDS, MAX_ATTEMPTS }: StoreConfig) => ({
  store: createJobStore({ facts, leaseMs: LEASE_SECONDS, maxAttempts: MAX_ATTEMPTS }),
  keys: createKeyStore(facts),
  workers: createWorkerRecords(facts),
});

function openRedis(url: string, { closer, log, latencies }: Context) {
  const queue = latencies.timed('queue', createBullJobQueue({ url, log }));
  closer.add({ name: 'queue', close: () => queue.close() });
  const feed = latencies.timed('feed', createRedisJobFeed({ url, log }));
  closer.add({ name: 'feed', close: () => feed.close() });
  const redisMeters = createRedisMeters({ url, log });
  closer.add({ name: 'meters', close: redisMeters.close });
  const meters = metersBy((name) => latencies.timed('meters', redisMeters.create(name, METER_WINDOWS_SECONDS[name])));
  return { openQueue: { kind: 'bull' as const, queue }, feed, meters };
}

function openEmbeddedQueue({ closer, log }: Context) {
  const queue = createEmbeddedJobQueue((error) => log.error({ err: error }, 'a delivery failed'));
  closer.add({ name: 'queue', close: () => queue.close() });
  const feed = createEmbeddedJobFeed();
  closer.add({ name: 'feed', close: () => feed.close() });
  const meters = metersBy((name) => createEmbeddedMeter(METER_WINDOWS_SECONDS[name]));
  return { openQueue: { kind: 'embedded' as const, queue }, feed, meters };
}

const metersBy = (create: (name: keyof Meters) => Meters[keyof Meters]): Meters => ({
  requests: create('requests'),
  cpuTimeMs: create('cpuTimeMs'),
});
