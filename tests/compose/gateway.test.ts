/** Several commands behind nginx, with deploy/docker/compose.gateway.yml: whichever answers, a client sees one server. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { skipWithout, startComposeEngine, type TestEngine, until } from '@runlane/core/testing';
import { grpcDoor, restDoor } from '../system/doors.js';
import { type Running, testPlatform } from '../system/platform.contract.js';
import { overGrpc, overWebSocket } from '../system/sessions.js';
import { faultsOf, LOADS, lookThroughDoors } from './load.js';
import { createStack, IMPATIENT, type Stack } from './stack.js';

const skip = skipWithout('compose', 'mongo-wire');
/** Longer than nginx waits by itself, which is a minute, for something to happen on a stream. */
const QUIET_MS = 65_000;
const ECHO = 'while True:\n    try: print(input().upper(), flush=True)\n    except EOFError: break';
const SOON_MS = 30_000;

let engine: TestEngine;
before(async () => {
  if (!skip) engine = await startComposeEngine();
});
after(() => engine?.stop());

describe('two commands behind the gateway', { skip }, () => {
  let stack: Stack;
  let running: Running & { close(): void };
  /** Under way while other things are tried. */
  let quiet: Promise<string[]>;

  before(async () => {
    stack = createStack(engine, {
      files: ['docker-compose.yml', 'deploy/docker/compose.gateway.yml'],
      env: { ...IMPATIENT, RUNNER_SLOTS: '8' },
    });
    await stack.down();
    await stack.up('--build');
    running = await stack.open();
    quiet = watchQuietly();
    quiet.catch(() => undefined);
  });
  after(async () => {
    running?.close();
    await stack?.down();
  });

  /** A job that begins late, watched from now on. */
  async function watchQuietly(): Promise<string[]> {
    const late = { code: 'print("at last")', notBefore: new Date(Date.now() + QUIET_MS).toISOString() };
    const id = await restDoor(running).submit(late);
    const watched = await Promise.all([restDoor, grpcDoor].map((makeDoor) => makeDoor(running).watch(id)));
    return watched.map(({ ended, endedAtMs }) => `${ended.status} ${ended.stdout} ${endedAtMs > QUIET_MS - 5_000}`);
  }

  /** How many requests each command has answered, over both doors. */
  async function answered(): Promise<number[]> {
    const read = `fetch('http://127.0.0.1:3000/metrics').then((r) => r.text()).then((text) => console.log(
      [...text.matchAll(/^runlane_(?:http_request|grpc_call)_duration_seconds_count\\{(?!.*health).*\\} (\\d+)$/gm)]
        .reduce((sum, [, count]) => sum + Number(count), 0)))`;
    const commands = (await stack.containers('command')).filter(({ state }) => state === 'running');
    return Promise.all(commands.map(async ({ id }) => Number(await stack.docker('exec', id, 'node', '--eval', read))));
  }

  /** Once a name is looked up again, each command gets its share. */
  async function allAnswer(count: number): Promise<void> {
    const before = await answered();
    assert.equal(before.length, count);
    await until(
      `each of ${count} answers`,
      async () => {
        for (let n = 0; n < 20; n += 1) await restDoor(running).get((await anyJob()).id);
        return (await answered()).every((now, index) => now >= (before[index] ?? 0) + 5);
      },
      SOON_MS,
    );
  }

  async function anyJob(): Promise<{ id: string }> {
    const { jobs } = (await (await fetch(`${running.baseUrl}/v1/jobs?limit=1`)).json()) as { jobs: { id: string }[] };
    const [job] = jobs;
    assert.ok(job);
    return job;
  }

  test('only the gateway and the workers publish anything', async () => {
    const all = await stack.all();
    assert.equal(all.get('command')?.length, 2);
    for (const command of all.get('command') ?? []) assert.equal(command.publishedPort(3000), undefined);
    for (const { name, health, restarts } of [...all.values()].flat())
      assert.deepEqual([health, restarts], ['healthy', 0], name);
  });

  testPlatform({ name: 'gateway', platform: () => running, interpretedOnly: true });

  test('a stream on which nothing happens for more than a minute stays open', async () => {
    assert.deepEqual(await quiet, ['succeeded at last\n true', 'succeeded at last\n true']);
  });

  test('both commands answer, and a third as soon as there is one', async () => {
    await allAnswer(2);
    await stack.up('--scale', 'command=3');
    await allAnswer(3);
    await stack.up('--scale', 'command=2');
    await allAnswer(2);
  });

  for (const [name, attach] of [
    ['a WebSocket', overWebSocket],
    ['gRPC', overGrpc],
  ] as const) {
    test(`a program can be typed to over ${name}`, async () => {
      const session = await attach(running, { code: ECHO, interactive: {} });
      for (const word of ['one', 'two', 'three']) {
        session.type(`${word}\n`);
        await session.shows(`${word.toUpperCase()}\n`);
      }
      session.say({ type: 'close_stdin' });
      assert.equal(await session.ended, 'succeeded');
    });
  }

  test('a request for a name that is not allowed is refused by command', async () => {
    const statusFor = (host: string) =>
      new Promise((resolve, reject) => {
        request(`${running.baseUrl}/v1/system`, { headers: { Host: host } }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .once('error', reject)
          .end();
      });
    assert.deepEqual([await statusFor('localhost'), await statusFor('rebound.example')], [200, 421]);
  });

  test('one command is killed under load: nobody who reads sees it, and every accepted job ends, once', async () => {
    const load = Object.values(LOADS)[0]?.(running, 'a command is killed');
    assert.ok(load);
    const id = (await anyJob()).id;
    const bad: string[] = [];
    let reads = 0;
    let reading = true;
    const reader = (async () => {
      while (reading) {
        // Without a second try of its own.
        const status = await fetch(`${running.baseUrl}/v1/jobs/${id}`).then(
          (response) => response.text().then(() => response.status),
          (error: Error) => error.message,
        );
        reads += 1;
        if (status !== 200) bad.push(String(status));
      }
    })();
    try {
      await until('work goes on', () => load.accepted.length > 10, SOON_MS);
      const [command] = await stack.containers('command');
      assert.ok(command);
      await stack.docker('kill', command.id);
      const soFar = load.accepted.length;
      await until('work goes on', () => load.accepted.length > soFar + 20, SOON_MS);
      await stack.docker('start', command.id);
      await until('work goes on', () => load.accepted.length > soFar + 40, SOON_MS);
    } finally {
      reading = false;
      await reader;
    }
    assert.deepEqual((await load.stop()).map(String), []);
    assert.deepEqual(await faultsOf(load.accepted, lookThroughDoors(running)), []);
    assert.deepEqual(bad, [], `of ${reads} reads`);
    console.log(`${reads} reads answered, ${load.accepted.length} jobs accepted, each ended once`);
  });

  test('told to stop, the gateway and the commands end with exit code 0', async () => {
    await stack.compose('stop');
    const codes = [...(await stack.all()).values()].flat().map(({ name, state, exitCode }) => [name, state, exitCode]);
    assert.deepEqual(
      codes,
      codes.map(([name]) => [name, 'exited', 0]),
    );
  });
});
