/** Readers of files that take their time, or take nothing: what they cost, how many there may be, how long they may stay. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ClientReadableStream, type ServiceError, status } from '@grpc/grpc-js';
import { ERRORS, type execution, type ProblemJson } from '@runlane/contract';
import { aJob, aResult, skipWithout, startMongoWire, until } from '@runlane/core/testing';
import { openTestDoors, type TestDoors } from './testing/command-doors.js';

const MEBIBYTE = 1024 * 1024;
/** Larger than what the sockets of both ends take by themselves. */
const FILE = randomBytes(30 * MEBIBYTE);

const folder = await mkdtemp(join(tmpdir(), 'runlane-slow-readers-'));
const skip = skipWithout('mongo-wire');
const mongo = skip ? undefined : await startMongoWire({ dir: join(folder, 'mongo') });
const opened: (() => Promise<unknown>)[] = [];
const closeAll = async () => {
  for (const close of opened.splice(0).toReversed()) await close();
};
afterEach(closeAll);
after(async () => {
  await mongo?.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Served {
  readonly doors: TestDoors;
  readonly id: string;
  readonly url: string;
  readonly client: execution.ExecutionServiceClient;
  /** How many readers were let in so far. */
  letIn(): number;
}

/** Doors, and a job that left one large file. */
async function serve(env: NodeJS.ProcessEnv): Promise<Served> {
  const doors = await openTestDoors(env);
  const { client } = doors;
  opened.push(doors.close);
  const { artifacts, store } = doors.ports;
  const { open } = artifacts;
  let letIn = 0;
  artifacts.open = (digest) => {
    letIn += 1;
    return open(digest);
  };
  const sha256 = await artifacts.put(FILE, { durable: true });
  const { id, ...job } = aJob();
  await store.insert({ id, ...job });
  const files = [{ path: 'large', contentType: 'application/octet-stream', sizeBytes: FILE.length, sha256 }];
  await store.finish(id, 1, aResult('succeeded', { files }));
  return { doors, id, url: `${doors.baseUrl}/v1/jobs/${id}/files/large`, client, letIn: () => letIn };
}

/** Asks for the file, and does not read the answer. */
async function idleReader({ doors, id }: Served): Promise<Socket> {
  const socket = connect(doors.httpPort, '127.0.0.1').pause();
  opened.push(async () => socket.destroy());
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(`GET /v1/jobs/${id}/files/large HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  return socket;
}

/** Asks for the file over gRPC, and does not read the answer; resolves with how the call ended. */
function idleCall({ client, id }: Served): Promise<ServiceError> {
  const stream = client.readFile({ jobId: id, path: 'large' });
  opened.push(async () => stream.cancel());
  // grpc-js holds back only a reader that has begun.
  stream.once('readable', () => undefined);
  return new Promise((resolve) => stream.once('error', (error) => resolve(error as ServiceError)));
}

/** Whether no more readers are let in. */
async function isFull({ url }: Served): Promise<boolean> {
  const response = await fetch(url);
  await response.body?.cancel();
  return response.status === 503;
}

const rssMebibytes = () => process.memoryUsage.rss() / MEBIBYTE;

async function costOfReaders(readers: number, env: NodeJS.ProcessEnv): Promise<number> {
  const served = await serve({ MAX_DOWNLOADS: `${readers}`, DOWNLOAD_STALL_SECONDS: '600', ...env });
  const before = rssMebibytes();
  for (let n = 0; n < readers || !(await isFull(served)); n += 1) {
    const letIn = served.letIn();
    if (n % 5 === 0) void idleCall(served);
    else await idleReader(served);
    // A store that is too busy to answer turns a reader away: then another comes in its place.
    await until('it is let in', () => served.letIn() > letIn, 5_000).catch(() => undefined);
  }
  // What they get while the sockets take it.
  await sleep(500);
  return rssMebibytes() - before;
}

/** Of 1,500 and 600 MiB, were the file held for each of them. */
const MOST_MEBIBYTES = 300;

// Of MongoDB fewer, as the server of the tests is slow.
for (const [adapter, readers, env] of [
  ['the file store', 50, {}],
  ['MongoDB', 20, { MONGO_URL: mongo?.url }],
] as const) {
  test(`${readers} readers that wait do not have a large file of ${adapter} in memory`, {
    skip: adapter === 'MongoDB' && skip,
  }, async (t) => {
    const cost = await costOfReaders(readers, env);
    t.diagnostic(`${cost.toFixed()} MiB`);
    assert.ok(cost < MOST_MEBIBYTES, `${cost.toFixed()} MiB more`);
  });
}

test('the bound would be passed, were the file held for twelve readers alone', () => {
  const before = rssMebibytes();
  const held = Array.from({ length: 12 }, () => Buffer.from(FILE));
  assert.ok(rssMebibytes() - before > MOST_MEBIBYTES);
  assert.equal(held.length, 12);
});

test('more readers than there may be are told to come back, over both doors, and get it once there is room', async () => {
  const served = await serve({ MAX_DOWNLOADS: '1' });
  const socket = await idleReader(served);
  await until('it is let in', () => served.letIn() === 1);
  const response = await fetch(served.url);
  assert.equal(response.status, 503);
  assert.ok(response.headers.get('Retry-After'));
  assert.equal(((await response.json()) as ProblemJson).code, 'TOO_MANY_DOWNLOADS');
  const refusal = await outcome(served.client.readFile({ jobId: served.id, path: 'large' }));
  assert.equal(refusal.error?.code, ERRORS.TOO_MANY_DOWNLOADS.grpc);
  assert.equal(refusal.error?.metadata.get('runlane-code')[0], 'TOO_MANY_DOWNLOADS');
  assert.equal((await fetch(served.url, { method: 'HEAD' })).status, 200);
  socket.destroy();
  await until('there is room', async () => !(await isFull(served)));
  await until('and again', async () => {
    const whole = await fetch(served.url);
    return whole.status === 200 && Buffer.from(await whole.arrayBuffer()).equals(FILE);
  });
  await until('over gRPC too', async () => {
    const { bytes } = await outcome(served.client.readFile({ jobId: served.id, path: 'large' }));
    return bytes === FILE.length;
  });
});

test('a reader over REST that takes nothing is cut off, and another has its place', async () => {
  const served = await serve({ MAX_DOWNLOADS: '1', DOWNLOAD_STALL_SECONDS: '1' });
  const socket = await idleReader(served);
  await until('it is let in', () => served.letIn() === 1);
  await until('its place is free', async () => !(await isFull(served)), 20_000);
  let bytes = 0;
  socket.on('data', (data) => {
    bytes += data.length;
  });
  socket.resume();
  await once(socket, 'close');
  assert.ok(bytes > 0 && bytes < FILE.length, `${bytes} bytes came`);
});

test('a reader over gRPC that takes nothing is cut off, and another has its place', async () => {
  const served = await serve({ MAX_DOWNLOADS: '1', DOWNLOAD_STALL_SECONDS: '1' });
  const over = idleCall(served);
  await until('it is let in', () => served.letIn() === 1);
  assert.ok(await isFull(served));
  await until('its place is free', async () => !(await isFull(served)), 20_000);
  assert.equal((await over).code, status.CANCELLED);
});

test('a reader that is slow, but takes what comes, gets all of it', async () => {
  const { id, client, url } = await serve({ DOWNLOAD_STALL_SECONDS: '1' });
  const stream = client.readFile({ jobId: id, path: 'large' });
  assert.equal((await outcome(stream, 4)).bytes, FILE.length);
  const response = await fetch(url);
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    await sleep(2);
  }
  assert.equal(bytes, FILE.length);
});

test('a reader over gRPC that is not through when the server stops is told to come back', async () => {
  const { doors, id, client, letIn } = await serve({});
  const read = outcome(client.readFile({ jobId: id, path: 'large' }), 10);
  await until('it is let in', () => letIn() === 1);
  await doors.close();
  const { error } = await read;
  assert.equal(error?.code, status.UNAVAILABLE);
  assert.match(error.details, /the server stops/);
});

interface Outcome {
  readonly bytes: number;
  readonly error?: ServiceError;
}

/** Read to the end, with a pause after each piece, in milliseconds. */
async function outcome(stream: ClientReadableStream<execution.ReadFileResponse>, pauseMs = 0): Promise<Outcome> {
  let bytes = 0;
  try {
    for await (const { chunk } of stream as AsyncIterable<execution.ReadFileResponse>) {
      bytes += chunk.length;
      if (pauseMs > 0) await sleep(pauseMs);
    }
    return { bytes };
  } catch (error) {
    return { bytes, error: error as ServiceError };
  }
}
