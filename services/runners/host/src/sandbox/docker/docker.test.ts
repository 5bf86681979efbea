/** Containers of a real engine as sandboxes, and what becomes of them when somebody is killed or something is missing. */
import assert from 'node:assert/strict';
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { after, afterEach, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { silentLog, skipWithout, startDocker, TEST_IMAGE, type TestEngine, timeOf, until } from '@runlane/core/testing';
import Docker from 'dockerode';
import { testSandbox } from '../sandbox.contract.js';
import { pythonOf, runPython, open as start } from '../sandbox.fixture.js';
import type { Sandbox } from '../sandbox.js';
import { createDocker, type DockerOptions } from './driver.js';
import { LABEL } from './settings.js';
import { sweep } from './sweep.js';

/** Sentences of the contract that a container cannot keep, as docs/sandbox-docker.md tells its users. */
const CANNOT = {
  'has no settings of the kernel to write': 'read-only and covered, but there',
  'finds nothing of the host in /etc': "it is the image's",
  'cannot slow process 1 down': 'it may lower its own priority, not that of process 1',
  'cannot have the kernel hold more for its sockets': "the engine's filter allows larger buffers",
};
/** A process that holds a pool and a run; see there. */
const OWNER = fileURLToPath(new URL('./owner.fixture.js', import.meta.url));

const DOCS = fileURLToPath(new URL('../../../../../../docs/sandbox-docker.md', import.meta.url));
const MAIN = fileURLToPath(new URL('../../main.js', import.meta.url));

const skip = skipWithout('docker');
let engine: TestEngine;
let docker: Docker;

const opened: Sandbox[] = [];

async function open(more: Partial<DockerOptions> = {}): Promise<Sandbox> {
  const sandbox = await createDocker({
    socketPath: engine.socketPath,
    runtime: undefined,
    languages: [
      {
        name: 'python',
        image: TEST_IMAGE,
        tools: { python: ['/usr/bin/python3', '/usr/local/bin/python3'] },
        needsSetup: false,
      },
    ],
    withoutImage: [],
    toolchainsDir: undefined,
    poolSize: 2,
    allowWeak: false,
    log: silentLog,
    ...more,
  });
  opened.push(sandbox);
  return sandbox;
}

const ours = (filters: Record<string, string[]> = {}) =>
  docker.listContainers({ all: true, filters: { label: [LABEL], ...filters } });
const ready = async (count: number) => (await ours({ status: ['running'] })).length === count;

before(async () => {
  if (skip) return;
  engine = await startDocker();
  docker = new Docker({ socketPath: engine.socketPath });
  await sweep(docker, () => false, 0);
});
after(() => engine?.stop());

test('what a container cannot keep is told to its users', async () => {
  const page = await readFile(DOCS, 'utf8');
  for (const sentence of Object.keys(CANNOT)) assert.ok(page.includes(`| ${sentence} |`), sentence);
});

describe('containers', { skip }, () => {
  testSandbox('docker', open, { cannot: CANNOT });
});

describe('containers of a pool', { skip }, () => {
  afterEach(() => Promise.all(opened.splice(0).map((sandbox) => sandbox.close())));

  test('every layer holds, and the summary names them', async () => {
    const sandbox = await open();
    assert.deepEqual(
      sandbox.description.layers.filter(({ holds }) => !holds),
      [],
    );
    assert.equal(sandbox.description.summary, 'docker:runc+seccomp+cgroup');
    assert.match(pythonOf(sandbox), /^\/usr\/bin\/python3/);
  });

  test('a run takes one of the pool, and the pool is made full again', async () => {
    const sandbox = await open({ poolSize: 2 });
    await until('the pool is full', () => ready(2));
    const before = (await ours()).map(({ Id }) => Id);
    await runPython(sandbox, 'pass');
    await until('another took its place', async () => {
      const now = await ours({ status: ['running'] });
      return now.length === 2 && now.filter(({ Id }) => before.includes(Id)).length === 1;
    });
    await sandbox.close();
    assert.deepEqual(await ours(), []);
  });

  test('a container that ends while it waits is replaced', async () => {
    const sandbox = await open({ poolSize: 1 });
    await until('the pool is full', () => ready(1));
    const [before] = await ours();
    await docker.getContainer(before?.Id ?? '').kill();
    await until('there is another', async () => (await ready(1)) && (await ours())[0]?.Id !== before?.Id);
    assert.equal((await runPython(sandbox, 'print(1)')).text, '1');
  });

  test('a program that fills memory with files, not its own, ends by memory too', async () => {
    const sandbox = await open();
    // A shell that holds next to nothing itself: what is left for the kernel to kill is little.
    const code =
      'import os; os.execv("/bin/sh", ["sh", "-c", "cat /dev/zero > /tmp/a; cat /dev/zero > /work/b; sleep 5"])';
    for (let n = 0; n < 5; n += 1) {
      const { end } = await runPython(sandbox, code, { limits: { memoryBytes: 32 << 20 } });
      assert.equal(end.reason, 'memory');
    }
  });

  test('a limit that differs from the default is what the container has', async () => {
    const sandbox = await open();
    const code =
      'import os\nn = 0\ntry:\n  while True:\n    if os.fork() == 0: os.execv("/bin/sleep", ["sleep", "9"])\n    n += 1\nexcept OSError as e: print(n, e.errno)';
    assert.equal((await runPython(sandbox, code, { limits: { processes: 7 } })).text, '6 11');
  });

  test('a container that is killed in the middle of a run is our error', async () => {
    const sandbox = await open({ poolSize: 0 });
    const run = await start(sandbox, 'import time; print("up"); time.sleep(60)');
    run.go();
    const events = run.events();
    while ((await events.next()).value?.kind !== 'stdout');
    for (const { Id } of await ours({ status: ['running'] })) await docker.getContainer(Id).kill();
    await assert.rejects(async () => {
      for (;;) if ((await events.next()).done) return;
    }, /ended before its run had/);
  });

  test('when the owner is killed, its containers end, and the next owner sweeps them away', async () => {
    const owner = fork(OWNER, [engine.socketPath, TEST_IMAGE], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    await once(owner, 'message');
    await until('its pool and its run are there', () => ready(3));
    owner.kill('SIGKILL');
    await until('no container runs', () => ready(0));
    assert.equal((await ours()).length, 3);
    assert.equal(await sweep(docker, () => false), 0, 'what is young may be in the making');
    assert.equal(await sweep(docker, () => false, 0), 3);
    assert.deepEqual(await ours(), []);
  });

  test('a sweeper leaves what runs, what is its own and what is not ours', async () => {
    await open({ poolSize: 1 });
    const settings = { Image: TEST_IMAGE, Cmd: ['true'] };
    const foreign = await docker.createContainer(settings);
    const own = await docker.createContainer({ ...settings, Labels: { [LABEL]: 'me' } });
    await until('the pool is full', () => ready(1));
    assert.equal(await sweep(docker, (id) => id === own.id, 0), 0);
    assert.equal(await sweep(docker, () => false, 0), 1);
    assert.equal((await foreign.inspect()).State.Status, 'created');
    await foreign.remove();
  });

  test('what is missing is named, with what to do about it', async () => {
    const python = { name: 'python', tools: { python: ['/usr/bin/python3'] }, needsSetup: false };
    const rows: [Partial<DockerOptions>, RegExp][] = [
      [{ socketPath: '/nowhere/docker.sock' }, /no Docker engine answers at \/nowhere\/docker.sock: start it/],
      [{ runtime: 'runsc-of-nobody' }, /has no runtime "runsc-of-nobody", only .*runc.*daemon\.json/],
      [
        { languages: [{ ...python, image: 'nobody/has:this' }] },
        /nobody\/has:this is not on this machine: docker pull/,
      ],
      [{ languages: [] }, /name one in its runner\.json or in DOCKER_IMAGES/],
    ];
    for (const [options, expected] of rows) await assert.rejects(open(options), expected);
    assert.deepEqual(await ours(), [], 'and nothing is left of the attempt');
  });

  test('a runner host serves from containers, as nobody but with the group of the socket', async () => {
    const host = spawn(process.execPath, [MAIN], {
      env: {
        SANDBOX: 'docker',
        DOCKER_SOCKET: engine.socketPath,
        DOCKER_IMAGES: TEST_IMAGE,
        GRPC_PORT: '0',
        RUNNER_SLOTS: '1',
        LANGUAGES: 'python',
      },
      stdio: ['ignore', 'inherit', 'pipe'],
    });
    let said = '';
    host.stderr.on('data', (data) => {
      said += data;
    });
    await until(`it serves: ${said}`, () => said.includes('runner serves') || host.exitCode !== null, 20_000);
    assert.match(said, /"languages":\["python 3\.[\d.]+"\],"slots":1,"isolation":"docker:runc\+seccomp\+cgroup"/);
    // The first container has served already: this one it made as nobody.
    await until('another container is ready', () => ready(1));
    const status = await readFile(`/proc/${host.pid}/status`, 'utf8');
    assert.match(status, /^Uid:\t65534\t65534\t65534\t65534$/m);
    assert.match(status, /^CapEff:\t0+$/m);
    host.kill('SIGTERM');
    await once(host, 'exit');
    assert.deepEqual(await ours(), []);
  });

  test('a run in a ready container takes a fraction of the time of a container made for it', async (t) => {
    const sandbox = await open({ poolSize: 4 });
    const warm: number[] = [];
    const cold: number[] = [];
    for (let n = 0; n < 10; n += 1) {
      await until('the pool is full', async () => (await ours()).length === 4 && (await ready(4)));
      warm.push(await timeOf(() => runPython(sandbox, 'print(1)')));
      cold.push(
        await timeOf(async () => {
          const words = ['/usr/bin/python3', '-c', 'print(1)'];
          await docker.run(TEST_IMAGE, words, new PassThrough().resume(), {
            HostConfig: { AutoRemove: true, NetworkMode: 'none' },
          });
        }),
      );
    }
    const [ran, made] = [median(warm), median(cold)];
    t.diagnostic(`ready: ${ran.toFixed(1)} ms, made for it: ${made.toFixed(1)} ms, ${(ran / made).toFixed(3)} of it`);
    assert.ok(ran < 0.5 * made, `${ran} ms and ${made} ms`);
  });
});

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}
