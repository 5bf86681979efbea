import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { RunlaneError } from '@runlane/contract';
import { createEmbeddedFactStore } from './adapters/embedded/facts.js';
import { createMongoFactStore } from './adapters/mongo/facts.js';
import { testFactStore } from './facts.contract.js';
import { aJob, aResult, silentLog as log, timeOf, untilAnswers } from './testing/jobs.js';
import { skipWithout, startMongoWire } from './testing/servers.js';

const folder = mkdtempSync(join(tmpdir(), 'runlane-facts-'));
after(() => rmSync(folder, { recursive: true, force: true }));

testFactStore('embedded', async () => createEmbeddedFactStore({ folder: join(folder, 'contract'), log }));

const skip = skipWithout('mongo-wire');
const server = skip ? (undefined as never) : await startMongoWire({ dir: join(folder, 'mongo') });
after(() => skip || server.stop());
const openMongo = (dbName: string) => createMongoFactStore({ url: server.url, dbName, log });

testFactStore('MongoDB', async () => openMongo('contract'), skip);

const cancellation = (id: string) => ({ kind: 'cancellations', id, document: { createdAtMs: 1 } }) as const;

test('what the embedded fact store took durably survives kill -9 of its process, with what belongs to it', async () => {
  const path = join(folder, 'killed');
  const acknowledged: string[] = [];
  for (let life = 0; life < 3; life += 1) {
    const child = spawnWriter(path, life);
    const exited = once(child, 'exit');
    const before = acknowledged.length;
    for await (const id of createInterface({ input: child.stdout as NonNullable<ChildProcess['stdout']> })) {
      acknowledged.push(id);
      if (acknowledged.length === before + 200) child.kill('SIGKILL');
    }
    assert.deepEqual(await exited, [null, 'SIGKILL']);
  }
  const store = createEmbeddedFactStore({ folder: path, log });
  for (const id of acknowledged) {
    assert.ok(await store.get('jobs', id), `job ${id} was acknowledged and is lost`);
    assert.ok(await store.get('inflight', id), `job ${id} is not in flight`);
  }
  assert.equal(await store.count('jobs'), await store.count('inflight'));
  await store.close();
});

/** Insert jobs, and print the id of each that was taken. */
function spawnWriter(path: string, life: number): ChildProcess {
  const module = (name: string) => JSON.stringify(fileURLToPath(new URL(name, import.meta.url)));
  const script = `
    import { createEmbeddedFactStore } from ${module('./adapters/embedded/facts.js')};
    import { aJob, silentLog as log } from ${module('./testing/jobs.js')};
    const store = createEmbeddedFactStore({ folder: ${JSON.stringify(path)}, log });
    const write = async () => {
      for (;;) {
        const job = aJob();
        const inflight = { kind: 'inflight', id: job.id, document: { createdAtMs: ${life}, ownerId: 'anonymous' } };
        await store.insert({ kind: 'jobs', id: job.id, document: job }, { durable: true, with: [inflight] });
        process.stdout.write(job.id + '\\n');
      }
    };
    // Several at once share a transaction.
    write(); write(); write();`;
  return spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function assertUnavailable(work: () => Promise<unknown>): Promise<void> {
  const tookMs = await timeOf(() =>
    assert.rejects(work, (error) => error instanceof RunlaneError && error.code === 'STORE_UNAVAILABLE'),
  );
  assert.ok(tookMs < 2_000, `it took ${tookMs} ms to say so`);
}

test('a call to a MongoDB that is not there ends with STORE_UNAVAILABLE within 2 s', { skip }, async (t) => {
  const store = createMongoFactStore({ url: 'mongodb://127.0.0.1:1', log });
  t.after(() => store.close());
  await assertUnavailable(() => store.ping());
  await assertUnavailable(() => store.insert(cancellation('a'), { durable: true }));
});

test('with MongoDB frozen every call ends with STORE_UNAVAILABLE within 2 s, and goes on once it is back', {
  skip,
}, async (t) => {
  const store = openMongo('frozen');
  t.after(() => store.close());
  const first = cancellation('before');
  await store.insert(first, { durable: true });
  await server.kill('SIGSTOP');
  try {
    await Promise.all([
      assertUnavailable(() => store.get('cancellations', 'before')),
      assertUnavailable(() => store.insert(cancellation('frozen'), { durable: true })),
      assertUnavailable(() => store.insert(cancellation('with'), { durable: true, with: [cancellation('companion')] })),
      assertUnavailable(() => store.scan('cancellations', { limit: 10 })),
      assertUnavailable(() => store.count('cancellations')),
      assertUnavailable(() => store.put(cancellation('put'))),
      assertUnavailable(() => store.remove('cancellations', 'before')),
      assertUnavailable(() => store.ping()),
    ]);
  } finally {
    await server.kill('SIGCONT');
  }
  await untilAnswers(store);
  // What failed may have been done; doing it again leads to the same.
  await store.insert(cancellation('frozen'), { durable: true });
  assert.deepEqual(await store.get('cancellations', 'frozen'), { createdAtMs: 1 });
});

for (const [how, signal, back] of [
  ['frozen', 'SIGSTOP', () => server.kill('SIGCONT')],
  ['away', 'SIGKILL', () => server.restart()],
] as const) {
  test(`a MongoDB that was ${how} when it was first asked is used once it is back`, { skip }, async (t) => {
    const store = openMongo(`first-${how}`);
    t.after(() => store.close());
    await server.kill(signal);
    try {
      await assertUnavailable(() => store.ping());
      await Promise.all([1, 2, 3].map(() => assertUnavailable(() => store.get('cancellations', 'x'))));
    } finally {
      await back();
    }
    await untilAnswers(store);
    await store.insert(cancellation('x'), { durable: true });
    assert.deepEqual(await store.get('cancellations', 'x'), { createdAtMs: 1 });
  });
}

test('with MongoDB killed calls fail in time, and everything it took is there after a restart', { skip }, async (t) => {
  const store = openMongo('killed');
  t.after(() => store.close());
  const taken = Array.from({ length: 50 }, (_, n) => `k${n}`);
  await Promise.all(taken.map((id) => store.insert(cancellation(id), { durable: true })));
  await server.kill('SIGKILL');
  await assertUnavailable(() => store.get('cancellations', 'k0'));
  await server.restart();
  await untilAnswers(store);
  for (const id of taken) assert.ok(await store.get('cancellations', id), id);
});

test('an insert whose answer was lost is known again as its own, and that of another is not', { skip }, async (t) => {
  const proxy = await startLosingProxy(server.port);
  const store = createMongoFactStore({ url: `mongodb://127.0.0.1:${proxy.port}`, dbName: 'unclear', log });
  t.after(async () => {
    await store.close();
    proxy.close();
  });
  await store.ping();
  proxy.loseNextInsert();
  assert.equal(await store.insert(cancellation('mine'), { durable: true }), true);
  assert.equal(proxy.lost, 1);
  assert.equal(await store.insert(cancellation('mine'), { durable: true }), false);
  proxy.loseNextInsert();
  assert.equal(await store.insert(cancellation('mine'), { durable: true }), false);
  assert.equal(proxy.lost, 2);
});

/** A way to the server that can carry out an insert and lose its answer, with the connection. */
async function startLosingProxy(port: number) {
  let losing = false;
  const proxy = {
    port: 0,
    lost: 0,
    loseNextInsert() {
      losing = true;
    },
    close: () => void listener.close(),
  };
  const listener = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    let isCut = false;
    client.on('data', (request) => {
      if (losing && request.includes('insert\0')) {
        losing = false;
        isCut = true;
      }
      upstream.write(request);
    });
    upstream.on('data', (answer) => {
      if (!isCut) return client.write(answer);
      proxy.lost += 1;
      return client.destroy();
    });
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on('error', () => {});
      one.on('close', () => other.destroy());
    }
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  proxy.port = (listener.address() as AddressInfo).port;
  return proxy;
}

test('MongoDB refuses a document that is too large with PAYLOAD_TOO_LARGE, and stays usable', { skip }, async (t) => {
  const store = openMongo('large');
  t.after(() => store.close());
  const job = aJob();
  const stdout = Buffer.alloc(40 * 1024 * 1024);
  const document = { ...aResult('succeeded', { stdout }), attempt: 1, finishedAtMs: 1 };
  await assert.rejects(
    () => store.insert({ kind: 'results', id: job.id, document }, { durable: true }),
    (error) => error instanceof RunlaneError && error.code === 'PAYLOAD_TOO_LARGE',
  );
  assert.equal(await store.get('results', job.id), undefined);
});
