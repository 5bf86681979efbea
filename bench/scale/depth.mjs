/**
 * One command process over the embedded store and a real Redis: how fast it accepts, and what a queue of many jobs costs, in memory
 * and in the time that a claim takes.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { asker, connect } from '../client.mjs';
import { HELLO, inTurns, mib, percentiles, rateOf, WARM_UP_JOBS } from '../measure.mjs';
import { commandOf, cpuOf, endWithThisProcess, family, ownBytes, residentBytes, startPlatform } from '../platform.mjs';
import { openClaims } from './claims.mjs';
import { flood } from './flood.mjs';

const CONNECTIONS = 64;
const BATCH_JOBS = 500;
const SHALLOW = 100;
/** Jobs that are claimed, in turns, from either depth: the shallow queue begins with as many more. */
const CLAIMS = 100;
/** How long a platform works at a deep queue before it is looked at. */
const SETTLE_MS = 5_000;

const body = JSON.stringify({ code: HELLO });
const batchOf = (jobs) => JSON.stringify({ jobs: Array.from({ length: jobs }, () => ({ code: HELLO })) });

export async function measureDepth({ folder, depth, warmUpJobs = WARM_UP_JOBS, floodSeconds, steadySeconds, say }) {
  const deep = await openPlace(join(folder, 'deep'), depth);
  const shallow = await openPlace(join(folder, 'shallow'), depth);
  try {
    const idle = await measureIdle(deep, { warmUpJobs, steadySeconds, say });
    await startPlatform(shallow.dataFolder, shallow.env).then(({ stop }) => stop());
    const accepted = await measureAccepting(deep, { depth, floodSeconds, say });
    await fillShallow(shallow);
    say(`claims at ${depth} jobs and at ${SHALLOW}, in turns …`);
    const claims = await measureClaims(deep, shallow);
    say(`the platform with ${depth} jobs in its queue …`);
    const atWork = await measureAtWork(deep);
    const { memory: idleMemory, ...endToEnd } = idle;
    const memory = { ...idleMemory, 'command alone': accepted.idleBytes };
    const deepMemory = { ...atWork, 'command alone': accepted.deepBytes };
    return {
      depth,
      endToEnd,
      submitOnly: accepted.submitOnly,
      batches: accepted.batches,
      claims,
      memory: Object.keys(memory).map((name) => ({
        name,
        idleMiB: mib(memory[name]),
        deepMiB: mib(deepMemory[name] ?? 0),
      })),
    };
  } finally {
    await deep.redis.stop();
    await shallow.redis.stop();
  }
}

async function openPlace(folder, depth) {
  const { startRedis } = await import('../../packages/core/dist/testing/index.js');
  const redis = await startRedis({ dir: join(folder, 'redis') });
  const dataFolder = join(folder, 'data');
  // Room for what is submitted one by one, too.
  const env = { REDIS_URL: redis.url, MONGO_URL: '', RUNNERS: '', MAX_QUEUED_JOBS: String(depth * 10) };
  return { redis, dataFolder, env };
}

const redisBytes = ({ redis }) =>
  family(process.pid)
    .filter((pid) => commandOf(pid).includes(`redis-server 127.0.0.1:${redis.port}`))
    .reduce((sum, pid) => sum + ownBytes(pid), 0);

/** The platform with nothing to do, but what is measured here. */
async function measureIdle(place, { warmUpJobs, steadySeconds, say }) {
  const platform = await startPlatform(place.dataFolder, place.env);
  const client = connect(platform.httpPort);
  try {
    say('warming up …');
    const { perSecond: maximum } = await rateOf(warmUpJobs, 8, client.endToEnd);
    const memory = { ...residentBytes(platform.pid), redis: redisBytes(place) };
    const most = await rateOf(Math.ceil(maximum * steadySeconds), 8, client.endToEnd);
    const perSecond = most.perSecond / 2;
    say(`steady load of ${perSecond.toFixed(0)} jobs/s, half of what there can be …`);
    const steady = await steadily(perSecond, steadySeconds, client.endToEnd);
    return { maximumPerSecond: most.perSecond, perSecond, ...percentiles(steady), memory };
  } finally {
    client.close();
    await platform.stop();
  }
}

/** Work that begins at even times, whether what began before has ended or not: a queue shows. */
async function steadily(perSecond, seconds, work) {
  const startMs = performance.now();
  const times = [];
  const all = [];
  for (let n = 0; n < perSecond * seconds; n += 1) {
    const dueMs = startMs + (n / perSecond) * 1_000;
    const early = dueMs - performance.now();
    if (early > 1) await sleep(early);
    // From when it was due: who could not send in time waits as well.
    all.push(work().then(() => times.push(performance.now() - dueMs)));
  }
  await Promise.all(all);
  return times;
}

/** No worker is there: all that is accepted waits. */
async function measureAccepting(place, { depth, floodSeconds, say }) {
  const command = await startCommandAlone(place);
  const { get, post, close } = asker('127.0.0.1', command.port);
  try {
    // Its first jobs are compiled for, not counted.
    await flood({ port: command.port, path: '/v1/jobs', body, connections: CONNECTIONS, seconds: 1 });
    const idleBytes = ownBytes(command.pid);
    say('submitting one by one …');
    const cpuBeforeMs = cpuOf([command.pid]);
    const one = await flood({
      port: command.port,
      path: '/v1/jobs',
      body,
      connections: CONNECTIONS,
      seconds: floodSeconds,
    });
    const cpuMs = (cpuOf([command.pid]) - cpuBeforeMs) / one.accepted;
    say('submitting in batches, until the queue is deep …');
    const jobs = Math.max(BATCH_JOBS, depth - one.accepted);
    const batch = batchOf(BATCH_JOBS);
    const batches = await rateOf(Math.ceil(jobs / BATCH_JOBS), 2, () => post('/v1/batches', batch));
    await queued(get);
    return {
      idleBytes,
      deepBytes: ownBytes(command.pid),
      submitOnly: {
        perSecond: one.perSecond,
        cpuMs,
        refused: one.refused,
        ...percentiles(one.times),
        connections: CONNECTIONS,
      },
      batches: { jobsPerSecond: batches.perSecond * BATCH_JOBS, jobs: BATCH_JOBS },
    };
  } finally {
    close();
    await command.stop();
  }
}

async function startCommandAlone({ dataFolder, env }) {
  const { startProcess, stopProcess } = await import('../../tests/dist/system/platforms.js');
  const own = {
    ...env,
    DATA_DIR: dataFolder,
    HTTP_PORT: '0',
    GRPC_PORT: '0',
    LOG_LEVEL: 'info',
    NODE_ENV: 'production',
  };
  const started = await startProcess('bench/scale/command-alone.mjs', own, ({ msg }) => msg === 'command is listening');
  endWithThisProcess(started.process);
  return { pid: started.process.pid, port: started.said.httpPort, stop: () => stopProcess(started) };
}

async function fillShallow(place) {
  const command = await startCommandAlone(place);
  const { get, post, close } = asker('127.0.0.1', command.port);
  await post('/v1/batches', batchOf(SHALLOW + CLAIMS));
  await queued(get);
  close();
  await command.stop();
}

/** A batch is answered before its jobs are in the queue: until no more of them come. */
async function queued(get) {
  for (let before = -1; ; await sleep(500)) {
    const { queues } = await get('/admin/status');
    const waiting = queues.reduce((sum, queue) => sum + (queue.waiting ?? 0), 0);
    if (waiting > 0 && waiting === before) return;
    before = waiting;
  }
}

async function measureClaims(deep, shallow) {
  const [deepClaims, shallowClaims] = [await openClaims(deep), await openClaims(shallow)];
  try {
    const { bare, ...work } = await inTurns(CLAIMS, { bare: shallowClaims.next, work: deepClaims.next });
    const [storeMs, shallowStoreMs] = [deepClaims, shallowClaims].map((claims) => percentiles(claims.storeMs).p50Ms);
    return { shallow: bare, ...work, storeMs, shallowStoreMs, depth: deepClaims.depth, shallowDepth: SHALLOW };
  } finally {
    await deepClaims.close();
    await shallowClaims.close();
  }
}

/** Workers at a deep queue. */
async function measureAtWork(place) {
  const platform = await startPlatform(place.dataFolder, place.env);
  try {
    await sleep(SETTLE_MS);
    return { ...residentBytes(platform.pid), redis: redisBytes(place) };
  } finally {
    await platform.stop();
  }
}
