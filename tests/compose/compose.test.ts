/** `docker compose up --build` really runs: the whole stack on a real engine, used, broken, scaled and taken down. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, afterEach, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createClient } from '@runlane/client';
import { skipWithout, startComposeEngine, type TestEngine, until } from '@runlane/core/testing';
import { type Running, testPlatform } from '../system/platform.contract.js';
import { faultsOf, LOADS, type Load, lookThroughDoors, type StartLoad } from './load.js';
import { type Container, createStack, IMPATIENT, type Stack } from './stack.js';

const skip = skipWithout('compose', 'mongo-wire', 'k6');
const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const SERVICES = ['command', 'mongo', 'redis', 'runner-python', 'worker'];
const OWN_IMAGES = ['command', 'worker', 'runner-python'].map((name) => `runlane/${name}`);
const RUNNER_SLOTS = 4;
/** Something that was away is back. */
const BACK_MS = 60_000;
const ENDED_MS = 120_000;
/** SHUTDOWN_SECONDS of docker-compose.yml, and some for the engine. */
const STOPPED_MS = 30_000;

let engine: TestEngine;
before(async () => {
  if (!skip) engine = await startComposeEngine();
});
after(() => engine?.stop());

describe('the stack of docker-compose.yml', { skip }, () => {
  let stack: Stack;
  let running: Running & { close(): void };

  before(async () => {
    stack = createStack(engine, {
      files: ['docker-compose.yml'],
      env: { ...IMPATIENT, RUNNER_SLOTS: String(RUNNER_SLOTS) },
    });
    await stack.down();
    const startedAtMs = performance.now();
    await stack.compose('build', '--quiet');
    const builtAtMs = performance.now();
    await up(3, 2, '--build');
    console.log(
      `built in ${seconds(builtAtMs - startedAtMs)}, up and healthy in ${seconds(performance.now() - builtAtMs)} more`,
    );
    running = await stack.open();
  });
  /** Those that go on. */
  const loads = new Set<Load>();
  const start = (startLoad: StartLoad, name: string): Load => {
    const load = startLoad(running, name);
    loads.add(load);
    return load;
  };
  afterEach(async () => {
    await Promise.all([...loads].map((load) => load.stop()));
    loads.clear();
  });
  after(async () => {
    running?.close();
    await stack?.down();
  });

  const up = (workers: number, runners: number, ...more: string[]) =>
    stack.up('--scale', `worker=${workers}`, '--scale', `runner-python=${runners}`, ...more);
  const one = async (service: string, index = 0): Promise<Container> => {
    const container = (await stack.containers(service))[index];
    assert.ok(container, `there is no ${service} ${index}`);
    return container;
  };

  test('is up, with every replica healthy and none that had to be started twice', async () => {
    const all = await stack.all();
    assert.deepEqual([...all.keys()].sort(), SERVICES);
    assert.deepEqual(
      SERVICES.map((service) => all.get(service)?.length),
      [1, 1, 1, 2, 3],
    );
    for (const { name, health, restarts } of [...all.values()].flat())
      assert.deepEqual([health, restarts], ['healthy', 0], name);
  });

  for (const image of OWN_IMAGES) {
    test(`the image ${image} holds what its service runs with, and no tool that builds it`, async () => {
      const locked = JSON.parse(readFileSync(`${ROOT}/package-lock.json`, 'utf8')).packages as Record<
        string,
        { readonly dev?: boolean } | undefined
      >;
      const installed: string[] = JSON.parse(await stack.docker('run', '--rm', '--network', 'none', image, ...LIST));
      assert.ok(installed.length > 20);
      const unwanted = installed.filter((path) => locked[path] === undefined || locked[path]?.dev);
      assert.deepEqual(unwanted, []);
      const bytes = async (name: string) => Number(await stack.docker('image', 'inspect', '--format={{.Size}}', name));
      const [all, base] = await Promise.all([image, 'node:22-bookworm-slim'].map(bytes));
      console.log(`${image}: ${megabytes(all)}, of them ${megabytes(base)} of its base; ${installed.length} packages`);
    });
  }

  test('no process of it has a right that it does not need', async () => {
    for (const { name, pid } of [...(await stack.all()).values()].flat()) {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      assert.match(status, /^Uid:\t([1-9]\d*)\t\1\t\1\t\1$/m, name);
      for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
        assert.match(status, new RegExp(`^${set}:\t0+$`, 'm'), name);
      assert.match(status, /^NoNewPrivs:\t1$/m, name);
      assert.match(status, /^Seccomp:\t2$/m, name);
    }
  });

  test('no service can write into its image', async () => {
    for (const service of SERVICES) {
      const { id } = await one(service);
      await assert.rejects(stack.docker('exec', id, 'touch', '/written'), /Read-only file system/, service);
    }
  });

  test('a runner reaches neither store nor queue nor anything outside, by name or by address', async () => {
    const { id } = await one('runner-python');
    const worker = (await one('worker')).id;
    const targets = [
      ...['redis:6379', 'mongo:27017', 'command:3000'],
      ...(await addressesOf('redis', 6379)),
      ...(await addressesOf('mongo', 27_017)),
      ...(await addressesOf('command', 3000)),
      '192.0.2.1:80',
    ];
    assert.deepEqual(await reached(id, targets), []);
    // The same from where it is allowed: otherwise this would prove nothing.
    const allowed = ['redis:6379', 'mongo:27017', 'runner-python:50052'];
    assert.deepEqual(await reached(worker, allowed), allowed);
  });

  /** Those `host:port` that there is a way to from a container. */
  async function reached(id: string, targets: readonly string[]): Promise<string[]> {
    return JSON.parse(await stack.docker('exec', id, 'node', '--eval', CONNECT, ...targets));
  }

  async function addressesOf(service: string, port: number): Promise<string[]> {
    const { id } = await one(service);
    const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}';
    const found = (await stack.docker('inspect', '--format', format, id)).trim().split(' ');
    assert.ok(found.length > 0);
    return found.map((address) => `${address}:${port}`);
  }

  testPlatform({ name: 'compose', platform: () => running, interpretedOnly: true });

  test('k6 loads it through both doors, and nothing is lost or there twice', async () => {
    const where = ['--url', running.baseUrl, '--grpc', running.grpcAddress];
    const words = ['bench/load.mjs', 'steady', 'streaming', '--duration', '10s', '--rate', '2', ...where];
    const { stdout } = await run(process.execPath, words, { cwd: ROOT });
    console.log(stdout.trim());
  });

  for (const [name, startLoad] of Object.entries(LOADS)) {
    test(`under the load of ${name}, whatever is killed: every accepted job ends, once`, async () => {
      const load = start(startLoad, 'kills');
      await grows(load, 10);
      const worker = await one('worker');
      const runner = await one('runner-python');
      await stack.docker('kill', worker.id);
      await grows(load, 10);
      await stack.docker('kill', runner.id);
      await grows(load, 10);
      // Started again by the engine: nobody asks for that.
      for (const service of ['command', 'redis']) {
        await crash(await one(service));
        await grows(load, 10);
      }
      // What was killed by hand stays away until it is wanted again.
      await up(3, 2);
      await grows(load, 10);
      await endedWell(load);
    });

    test(`under the load of ${name}, more workers and runners get work, and fewer lose none`, async () => {
      const load = start(startLoad, 'scales');
      await grows(load, 10);
      await up(5, 3);
      running.close();
      running = await stack.open();
      assert.equal(running.workerUrls.length, 5);
      let ended: number[] = [];
      const everyEnds = async () => {
        ended = await Promise.all(running.workerUrls.map(endedBy));
        return ended.every((count) => count > 0);
      };
      await until('every worker has ended jobs', everyEnds, ENDED_MS).catch((error: Error) => {
        throw new Error(`${error.message}: ${ended}`);
      });
      await endedWell(load);

      // As many as three runners have slots, and two have not.
      const client = createClient({ server: running.baseUrl });
      const sleeping = { language: 'python', code: 'import time; time.sleep(20)', limits: { wallTimeMs: 40_000 } };
      const long = await Promise.all(Array.from({ length: 3 * RUNNER_SLOTS }, () => client.submit(sleeping)));
      const statuses = async () =>
        (await Promise.all(long.map(({ id }) => client.get(id)))).map(({ status }) => status);
      await until('all run at once', async () => (await statuses()).every((status) => status === 'running'), 30_000);

      // Scaled in while they run.
      const going = start(startLoad, 'scales in');
      await up(3, 2);
      await grows(going, 10);
      await endedWell(going);
      await until(
        'the long ones ended',
        async () => (await statuses()).every((status) => status === 'succeeded'),
        ENDED_MS,
      );
      running.close();
      running = await stack.open();
    });
  }

  test('the judge of ends notices a job whose end is withheld', async () => {
    const workers = await stack.containers('worker');
    for (const { id } of workers) await stack.docker('pause', id);
    const { id } = await createClient({ server: running.baseUrl }).submit({ language: 'python', code: 'print(1)' });
    const faults = await faultsOf([{ id, stdout: '1\n' }], lookThroughDoors(running, 2_000));
    for (const worker of workers) await stack.docker('unpause', worker.id);
    assert.equal(faults.length, 1, faults.join('\n'));
    assert.deepEqual(await faultsOf([{ id, stdout: '1\n' }], lookThroughDoors(running)), []);
    assert.equal((await faultsOf([{ id, stdout: '2\n' }], lookThroughDoors(running))).length, 1, 'another output');
  });

  test('told to stop, every service ends in time with exit code 0, and what was accepted ends after the next start', async () => {
    const client = createClient({ server: running.baseUrl });
    const submitted = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        client.submit({ language: 'python', code: `import time; time.sleep(2); print(${n})` }),
      ),
    );
    const startedAtMs = performance.now();
    await stack.compose('stop');
    const tookMs = performance.now() - startedAtMs;
    console.log(`stopped in ${seconds(tookMs)}`);
    const codes = [...(await stack.all()).values()].flat().map(({ name, state, exitCode }) => [name, state, exitCode]);
    assert.deepEqual(
      codes,
      codes.map(([name]) => [name, 'exited', 0]),
    );
    assert.ok(tookMs < 3 * STOPPED_MS, `${tookMs}`);

    running.close();
    await up(3, 2);
    running = await stack.open();
    const accepted = submitted.map(({ id }, n) => ({ id, stdout: `${n}\n` }));
    assert.deepEqual(await faultsOf(accepted, lookThroughDoors(running)), []);
  });

  test('taken down, it leaves no container, network or volume', async () => {
    running.close();
    await stack.down();
    for (const kind of ['container', 'network', 'volume'])
      assert.equal(await stack.left(kind), '', `a ${kind} is left`);
  });

  /** The process is gone at once, as after a fault of its own; the engine starts it again. */
  async function crash({ id, pid, restarts, name }: Container): Promise<void> {
    process.kill(pid, 'SIGKILL');
    const now = async () => [...(await stack.all()).values()].flat().find((each) => each.id === id);
    await until(
      `${name} was started again and is healthy`,
      async () => {
        const found = await now();
        return found !== undefined && found.restarts > restarts && found.health === 'healthy';
      },
      BACK_MS,
    );
  }

  async function endedWell(load: Load): Promise<void> {
    const refused = await load.stop();
    assert.deepEqual(refused.map(String), []);
    assert.deepEqual(await faultsOf(load.accepted, lookThroughDoors(running)), []);
    console.log(`${load.accepted.length} jobs accepted, each ended once`);
  }
});

/** The folders of packages below /app, as package-lock.json names them. */
const LIST = [
  'node',
  '--eval',
  `const { readdirSync } = require('node:fs');
  const found = [];
  const look = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.name.startsWith('.') || !entry.isDirectory()) continue;
      const path = folder + '/' + entry.name;
      if (entry.name.startsWith('@')) { look(path); continue; }
      found.push(path);
      try { look(path + '/node_modules'); } catch {}
    }
  };
  look('node_modules');
  console.log(JSON.stringify(found));`,
];

/** Tries them all at once, and says which could be connected to. */
const CONNECT = `const { connect } = require('node:net');
  const targets = process.argv.slice(1);
  Promise.all(targets.map((target) => new Promise((resolve) => {
    const [host, port] = target.split(':');
    const socket = connect({ host, port: Number(port) });
    const end = (there) => { socket.destroy(); resolve(there); };
    socket.on('connect', () => end(true)).on('error', () => end(false));
    setTimeout(end, 3000, false);
  }))).then((found) => { console.log(JSON.stringify(targets.filter((_, n) => found[n]))); process.exit(0); });`;

/** Work goes on: so many more are accepted. */
async function grows(load: Load, by: number): Promise<void> {
  const before = load.accepted.length;
  await until('work goes on', () => load.accepted.length >= before + by, BACK_MS);
}

async function endedBy(workerUrl: string): Promise<number> {
  const text = await (await fetch(`${workerUrl}/metrics`)).text();
  const counts = [...text.matchAll(/^runlane_jobs_ended_total\{.*\} (\d+)$/gm)].map(([, count]) => Number(count));
  return counts.reduce((sum, count) => sum + count, 0);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function megabytes(bytes = Number.NaN): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
