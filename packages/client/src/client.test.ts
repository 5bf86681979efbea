/** The client against a server that fails as it is told to: what real ones do only now and then. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { createClient, type JobEvent, type Retry, RunlaneError } from './index.js';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let server: Server;
let url: string;
/** What the next requests get; the last of them is for all that follow. */
let answers: Answer[];
let seen: { readonly url: string; readonly headers: IncomingMessage['headers'] }[];
let retries: Retry[];

before(async () => {
  server = createServer((request, response) => {
    seen.push({ url: request.url ?? '', headers: request.headers });
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    answer?.(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  seen = [];
  retries = [];
});

const client = (retryForMs = 60_000) =>
  createClient({ server: url, apiKey: 'secret', retryForMs, onRetry: (retry) => retries.push(retry) });

const json =
  (status: number, body: object, headers = {}): Answer =>
  (_, response) =>
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(body));
const hangUp: Answer = (request) => request.socket.destroy();
const accepted = json(202, { id: 'a', status: 'accepted' });
const full = json(503, { code: 'QUEUE_FULL', detail: 'too many', status: 503 }, { 'Retry-After': '0' });

/** Some events, and then the connection is lost, or ends where it should not. */
const events =
  (text: string, how: 'lost' | 'ended' | 'open' = 'lost'): Answer =>
  (request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write(text, () => {
      if (how === 'lost') request.socket.destroy();
      if (how === 'ended') response.end();
    });
  };
const stdout = (id: string, data: object) => `id: ${id}\nevent: stdout\ndata: ${JSON.stringify(data)}\n\n`;
const result = 'id: 1-9\nevent: result\ndata: {"id":"a","status":"succeeded"}\n\n';

async function all(stream: AsyncIterable<JobEvent>): Promise<JobEvent[]> {
  const told: JobEvent[] = [];
  for await (const event of stream) told.push(event);
  return told;
}

test('a submission whose answer was lost is sent again with the same key', async () => {
  answers = [hangUp, full, accepted];
  assert.equal((await client().submit({ code: '' })).id, 'a');
  const keys = seen.map(({ headers }) => headers['idempotency-key']);
  assert.equal(keys.length, 3);
  assert.match(String(keys[0]), /^[\x21-\x7e]{20,255}$/);
  assert.equal(new Set(keys).size, 1);
  assert.deepEqual(
    retries.map(({ attempt, error }) => [attempt, error.code]),
    [
      [1, 'UNREACHABLE'],
      [2, 'QUEUE_FULL'],
    ],
  );
  assert.equal(seen[0]?.headers.authorization, 'Bearer secret');
});

test('two submissions have two keys, unless the caller has one', async () => {
  answers = [accepted];
  await client().submit({ code: '' });
  await client().submit({ code: '' });
  await client().submit({ code: '' }, { idempotencyKey: 'mine' });
  const keys = seen.map(({ headers }) => headers['idempotency-key']);
  assert.equal(new Set(keys).size, 3);
  assert.equal(keys[2], 'mine');
});

test('what will not help is not tried again', async () => {
  const errors = [{ field: 'code', reason: 'is too long' }];
  answers = [json(400, { code: 'INVALID_REQUEST', detail: 'no', status: 400, errors })];
  await assert.rejects(client().submit({ code: '' }), (error) => {
    assert.ok(error instanceof RunlaneError);
    assert.deepEqual(
      [error.code, error.message, error.status, error.fields, error.retryable],
      ['INVALID_REQUEST', 'no', 400, errors, false],
    );
    return true;
  });
  assert.equal(seen.length, 1);
});

test('it gives up after a while, with the last reason', async () => {
  answers = [full];
  await assert.rejects(client(500).get('a'), { name: 'RunlaneError', code: 'QUEUE_FULL', message: 'too many' });
  assert.ok(seen.length > 1 && seen.length < 5, `${seen.length}`);
});

test('who is told to come back much later is told so at once', async () => {
  answers = [json(429, { code: 'QUEUE_FULL', detail: 'tomorrow', status: 429 }, { 'Retry-After': '3600' })];
  await assert.rejects(client().get('a'), { code: 'QUEUE_FULL', retryAfterSeconds: 3_600, retryable: true });
  assert.equal(seen.length, 1);
});

test('a server that is not there, and one that is something else, are told apart', async () => {
  const gone = createServer().listen(0, '127.0.0.1');
  await once(gone, 'listening');
  const absent = createClient({ server: `http://127.0.0.1:${(gone.address() as AddressInfo).port}`, retryForMs: 0 });
  gone.close();
  await once(gone, 'close');
  await assert.rejects(absent.languages(), { code: 'UNREACHABLE', message: /127\.0\.0\.1:\d+ \(ECONNREFUSED\)/ });
  answers = [(_, response) => response.end('<html>')];
  await assert.rejects(client().languages(), { code: 'UNEXPECTED_ANSWER' });
  answers = [(_, response) => response.writeHead(404).end('<html>')];
  await assert.rejects(client().languages(), { code: 'UNEXPECTED_ANSWER', status: 404 });
});

test('a watch goes on after a lost connection, where it was', async () => {
  answers = [
    events(stdout('1-1', { text: 'a' })),
    hangUp,
    events(`${stdout('1-2', { text: 'b' })}: keep-alive\n\n`, 'ended'),
    events(result, 'ended'),
  ];
  const told = await all(client().watch('a'));
  assert.deepEqual(
    told.map((event) => ('text' in event ? event.text : event.type)),
    ['a', 'b', 'result'],
  );
  assert.deepEqual(
    seen.map(({ headers }) => headers['last-event-id']),
    [undefined, '1-1', '1-1', '1-2'],
  );
  assert.deepEqual(
    retries.map(({ attempt }) => attempt),
    [1, 1, 1],
  );
});

test('a watch of what only ever breaks ends with an error', async () => {
  answers = [events('', 'ended')];
  await assert.rejects(all(client(500).watch('a')), { code: 'UNREACHABLE' });
  assert.ok(seen.length > 1 && seen.length < 5, `${seen.length}`);
});

test('a watch after the last event ends at once', async () => {
  answers = [(_, response) => response.writeHead(204).end()];
  assert.deepEqual(await all(client().watch('a', { after: '1-9' })), []);
});

test('a character that two events share arrives whole, and its bytes as they were', async () => {
  const euro = Buffer.from('€');
  const part = (from: number, to?: number) => ({
    text: euro.subarray(from, to).toString('base64'),
    encoding: 'base64',
  });
  const written = [part(0, 2), part(2), part(0, 1), { text: 'x' }];
  answers = [events(written.map((data, n) => stdout(`1-${n}`, data)).join('') + result)];
  const told = (await all(client().watch('a'))).flatMap((event) => (event.type === 'stdout' ? [event] : []));
  assert.deepEqual(
    told.map(({ text }) => text),
    ['', '€', '', '\ufffdx'],
  );
  assert.deepEqual(Buffer.concat(told.map(({ data }) => data)), Buffer.from([...euro, 0xe2, 0x78]));
});

test('an aborted signal ends a watch, a wait between retries, and a request', async () => {
  for (const answer of [events(stdout('1-1', { text: 'a' }), 'open'), hangUp, () => undefined]) {
    answers = [answer];
    const leaving = new AbortController();
    const ended = all(client(Number.POSITIVE_INFINITY).watch('a', { signal: leaving.signal }));
    while (seen.length === 0) await new Promise(setImmediate);
    leaving.abort(new Error('enough'));
    await assert.rejects(ended, { message: 'enough' });
    seen = [];
  }
});

test('leaving the loop of a run cancels its job, unless it is detached', async () => {
  for (const detached of [false, true]) {
    seen = [];
    answers = [accepted, events(stdout('1-1', { text: 'a' }), 'open'), accepted];
    for await (const event of client().run({ code: '' }, { detached })) if (event.type === 'stdout') break;
    const cancelled = seen.some((request) => request.url === '/v1/jobs/a/cancel');
    assert.equal(cancelled, !detached);
  }
});

test('a way to the job that is lost cancels nothing, and the error names the job', async () => {
  const lost: ((it: ReturnType<typeof client>) => Promise<unknown>)[] = [
    (it) => all(it.run({ code: '' })),
    (it) => it.execute({ code: '' }),
  ];
  for (const call of lost) {
    seen = [];
    answers = [accepted, hangUp];
    await assert.rejects(call(client(300)), { code: 'UNREACHABLE', jobId: 'a' });
    assert.ok(!seen.some((request) => request.url?.endsWith('/cancel')));
  }
});

test('a server that never answered is given up sooner, where that is wanted', async () => {
  answers = [hangUp];
  const impatient = createClient({ server: url, firstRetryForMs: 0 });
  await assert.rejects(impatient.get('a'), { code: 'UNREACHABLE' });
  assert.equal(seen.length, 1);
  answers = [accepted];
  await impatient.get('a');
  answers = [hangUp, accepted];
  assert.equal((await impatient.get('a')).id, 'a');
});

test('a server that speaks no TLS is not asked again', async () => {
  answers = [accepted];
  const secure = createClient({ server: url.replace('http', 'https'), onRetry: (retry) => retries.push(retry) });
  await assert.rejects(secure.get('a'), { code: 'UNREACHABLE', retryable: false });
  assert.deepEqual(retries, []);
});

test('an abort before the job is known cancels it all the same, unless it is detached', async () => {
  for (const detached of [false, true]) {
    seen = [];
    answers = [() => undefined, accepted];
    const leaving = new AbortController();
    const ended = client().execute({ code: '' }, { signal: leaving.signal, detached });
    while (seen.length === 0) await new Promise(setImmediate);
    leaving.abort(new Error('enough'));
    await assert.rejects(ended, { message: 'enough' });
    if (detached) continue;
    while (!seen.some((request) => request.url === '/v1/jobs/a/cancel')) await new Promise(setImmediate);
    const keys = seen.flatMap(({ headers }) => headers['idempotency-key'] ?? []);
    assert.equal(new Set(keys.slice(0, 2)).size, 1);
  }
});

test('paths of files are escaped part by part', async () => {
  answers = [(_, response) => response.end('bytes')];
  const response = await client().file('a', 'plots/50 %?.png');
  assert.equal(await response.text(), 'bytes');
  assert.equal(seen[0]?.url, '/v1/jobs/a/files/plots/50%20%25%3F.png');
  assert.equal(client().fileUrl('a', 'plots/50 %?.png'), `${url}${seen[0]?.url}`);
});

test('a batch watched again tells each job once', async () => {
  const job = (index: number) => `event: job\ndata: {"index":${index},"id":"${index}","status":"failed"}\n\n`;
  answers = [events(job(0)), events(`${job(0)}${job(1)}id: done\nevent: done\ndata: {"id":"b"}\n\n`)];
  const told: unknown[] = [];
  for await (const event of client().watchBatch('b')) told.push(event.type === 'job' ? event.index : event);
  assert.deepEqual(told, [0, 1, { type: 'done', batch: { id: 'b' } }]);
});
