/** Every process of the distributed form is stopped and started again, one after the other, under load: nobody notices. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { credentials } from '@grpc/grpc-js';
import { createClient } from '@runlane/client';
import { execution, type JobJson } from '@runlane/contract';
import { skipWithout, startMongoWire, startRedis, until } from '@runlane/core/testing';
import { MongoClient } from 'mongodb';
import { type Backend, startBalancer } from './balancer.js';
import { unary } from './doors.js';
import { type Started, startProcess, stopProcess, temporaryFolder } from './platforms.js';
import { freePort } from './processes.js';

/** How often the balancer looks, in milliseconds; a server that leaves goes on for five times as long. */
const LOOK_MS = 1_000;
const DRAIN_SECONDS = 5;
/** Pause of each client between two requests, in milliseconds: the server that stands for MongoDB takes a few jobs a second. */
const PACE_MS = 500;
const CODE = 'print(6 * 7)';
/** Runs while several processes are replaced. */
const LONG = 'import time\nfor n in range(10):\n    print(n, flush=True)\n    time.sleep(0.5)';
const LONG_OUTPUT = Array.from({ length: 10 }, (_, n) => `${n}\n`).join('');

/** A process with its place: started again, it is where it was. */
interface Member {
  readonly name: string;
  readonly port: number;
  start(): Promise<void>;
  /** Its exit code. */
  stop(): Promise<number | null>;
}

function member(name: string, port: number, script: string, env: NodeJS.ProcessEnv, said: string): Member {
  let started: Started | undefined;
  return {
    name,
    port,
    async start() {
      started = await startProcess(script, env, ({ msg }) => msg === said);
    },
    stop: async () => (started ? stopProcess(started, 60_000) : null),
  };
}

/** Two of each, over one Redis and one server that speaks MongoDB, with a balancer for each door of command. */
async function startFleet({ drainSeconds, lookMs }: { drainSeconds: number; lookMs: number }) {
  const folder = await temporaryFolder();
  const opened: (() => unknown)[] = [() => rm(folder, { recursive: true, force: true })];
  const close = async () => {
    for (const step of opened.toReversed()) await step();
  };
  try {
    const redis = await startRedis({ dir: join(folder, 'redis') });
    opened.push(() => redis.stop());
    // In memory: what is tried here is not the disk, and it must not be waited for either.
    const memory = await mkdtemp('/dev/shm/runlane-rolling-');
    opened.push(() => rm(memory, { recursive: true, force: true }));
    const mongo = await startMongoWire({ dir: memory });
    opened.push(() => mongo.stop());
    const mongoUrl = `${mongo.url}/runlane`;
    const env = { MONGO_URL: mongoUrl, REDIS_URL: redis.url, LOG_LEVEL: 'info' };
    const [r1, r2, w1, w2, c1, c2] = await ports(6);
    const runners = [r1, r2].map((port, n) =>
      member(
        `runner ${n + 1}`,
        port,
        'services/runners/host/dist/main.js',
        { ...env, RUNNER_ADDRESS: `127.0.0.1:${port}`, LANGUAGES: 'python' },
        'runner serves',
      ),
    );
    const RUNNERS = runners.map(({ port }) => `127.0.0.1:${port}`).join(',');
    const workers = [w1, w2].map((port, n) =>
      member(
        `worker ${n + 1}`,
        port,
        'services/worker/dist/main.js',
        { ...env, HTTP_PORT: `${port}`, RUNNERS },
        'worker is listening',
      ),
    );
    const commands = [c1, c2].map((port, n) => {
      const own = { HTTP_PORT: `${port}`, GRPC_PORT: `${port + 1}`, DRAIN_SECONDS: `${drainSeconds}` };
      return member(
        `command ${n + 1}`,
        port,
        'services/command/dist/main.js',
        { ...env, ...own },
        'command is listening',
      );
    });
    for (const each of [...runners, ...workers, ...commands]) {
      await each.start();
      opened.push(() => each.stop());
    }
    const backends: Backend[] = commands.map(({ port }) => ({
      ports: [port, port + 1],
      healthUrl: `http://127.0.0.1:${port}/readyz`,
    }));
    await Promise.all(
      backends.map(({ healthUrl }) => until(healthUrl, async () => (await fetch(healthUrl)).ok, 30_000)),
    );
    const balancer = await startBalancer(backends, lookMs);
    opened.push(balancer.close);
    const isBack = (port: number) => backends.some((each) => each.ports[0] === port && balancer.isWell(each));
    const [httpPort = 0, grpcPort = 0] = balancer.ports;
    return { mongoUrl, runners, workers, commands, httpPort, grpcPort, isBack, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function ports(count: number): Promise<[number, number, number, number, number, number]> {
  const found = new Set<number>();
  while (found.size < count) found.add(await freePort());
  return [...found] as never;
}

/** Clients that send one request after the other, each once, and remember what failed. */
function startLoad(httpPort: number, grpcPort: number) {
  const stopping = new AbortController();
  const ids: string[] = [];
  const failures: string[] = [];
  const tooSlow: string[] = [];
  const client = new execution.ExecutionServiceClient(`127.0.0.1:${grpcPort}`, credentials.createInsecure());

  /** @param agent keeps the connection for the next request, or does not. */
  function overRest(agent: Agent): Promise<string> {
    const headers = { 'Content-Type': 'application/json' };
    return new Promise((resolve, reject) => {
      const where = { host: '127.0.0.1', port: httpPort, path: '/v1/jobs', method: 'POST', headers, agent };
      const sent = request(where, async (response) => {
        const body = await text(response);
        if (response.statusCode === 202) resolve((JSON.parse(body) as JobJson).id);
        else reject(new Error(`${response.statusCode} ${body}`));
      });
      sent.on('error', reject).end(JSON.stringify({ code: CODE }));
    });
  }
  async function overGrpc(): Promise<string> {
    const request = execution.SubmitRequest.fromPartial({ program: { code: CODE } });
    const { job } = await unary<execution.SubmitResponse>((done) => client.submit(request, done));
    return job?.id ?? '';
  }
  const send = async (name: string, submit: () => Promise<string>) => {
    while (!stopping.signal.aborted) {
      await submit().then(
        (id) => ids.push(id),
        // The server that stands for MongoDB is too slow at times, whoever restarts: that is no refusal of command's.
        (error: Error) =>
          (/store does not answer/.test(error.message) ? tooSlow : failures).push(`${name}: ${error.message}`),
      );
      await sleep(PACE_MS);
    }
  };
  const [kept, fresh] = [new Agent({ keepAlive: true }), new Agent()];
  const sending = [
    send('REST', () => overRest(kept)),
    send('REST, a connection each', () => overRest(fresh)),
    send('gRPC', overGrpc),
  ];
  return {
    ids,
    failures,
    tooSlow,
    async stop() {
      stopping.abort();
      await Promise.all(sending);
      client.close();
      kept.destroy();
    },
  };
}

async function attemptsOf(mongoUrl: string): Promise<{ id: string; ended: unknown }[]> {
  const client = await MongoClient.connect(mongoUrl);
  try {
    const found = await client.db().collection('attempts').find().toArray();
    return found.map(({ _id, document }) => ({ id: String(_id), ended: document.ended }));
  } finally {
    await client.close();
  }
}

describe('a rolling restart', { skip: skipWithout('redis-server', 'mongo-wire') }, () => {
  test('of every process under load fails no request, ends every job once, and costs no attempt', async () => {
    const fleet = await startFleet({ drainSeconds: DRAIN_SECONDS, lookMs: LOOK_MS });
    try {
      const client = createClient({ server: `http://127.0.0.1:${fleet.httpPort}` });
      const load = startLoad(fleet.httpPort, fleet.grpcPort);
      await until('it is under load', () => load.ids.length > 4, 60_000);
      const watched: Promise<string>[] = [];
      for (const each of [...fleet.commands, ...fleet.workers, ...fleet.runners]) {
        // Whoever watches is led over by their client.
        watched.push(watchLong(client));
        const before = load.ids.length;
        assert.equal(await each.stop(), 0, `${each.name} did not end in order`);
        await each.start();
        if (each.name.startsWith('command')) await until(`${each.name} is back`, () => fleet.isBack(each.port), 30_000);
        await until('the load goes on', () => load.ids.length > before + 4, 60_000);
      }
      await load.stop();
      assert.deepEqual(load.failures, []);
      assert.ok(load.tooSlow.length < load.ids.length / 4, `the store was too slow ${load.tooSlow.length} times`);
      for (const output of await Promise.all(watched)) assert.equal(output, LONG_OUTPUT);
      for (const id of load.ids) {
        const { status, result } = await client.wait(id);
        assert.deepEqual([status, result?.stdout], ['succeeded', '42\n'], id);
      }
      // One attempt at each stage is counted; what a process that stops hands back is not.
      const attempts = await attemptsOf(fleet.mongoUrl);
      const counted = attempts.filter(({ ended }) => ended !== 'handed_back').map(({ id }) => id.replace(/:\d+$/, ''));
      const burnt = counted.filter((stage, index) => counted.indexOf(stage) !== index);
      assert.deepEqual(
        attempts.filter(({ id }) => burnt.some((stage) => id.startsWith(stage))),
        [],
      );
      console.log(
        `${load.ids.length} requests and ${watched.length} watchers over ${watched.length} restarts: 0 failed, ${load.tooSlow.length} while the store was slow`,
      );
    } finally {
      await fleet.close();
    }
  });

  test('control: where command does not wait until the balancer has looked, requests fail', async () => {
    const fleet = await startFleet({ drainSeconds: 0, lookMs: 5 * LOOK_MS });
    try {
      const load = startLoad(fleet.httpPort, fleet.grpcPort);
      await until('it is under load', () => load.ids.length > 4, 60_000);
      for (const each of fleet.commands) {
        assert.equal(await each.stop(), 0);
        await sleep(3 * LOOK_MS);
        await each.start();
        await until(`${each.name} is back`, () => fleet.isBack(each.port), 30_000);
      }
      await load.stop();
      assert.notDeepEqual(load.failures, []);
    } finally {
      await fleet.close();
    }
  });
});

/** What a program printed, as somebody saw who watched it from its beginning to its end. */
async function watchLong(client: ReturnType<typeof createClient>): Promise<string> {
  let output = '';
  const { id } = await client.submit({ code: LONG, limits: { wallTimeMs: 60_000 } });
  for await (const event of client.watch(id)) if (event.type === 'stdout') output += event.text;
  return output;
}
