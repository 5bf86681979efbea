/** API keys at both doors: who is let in, to what, and how often. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:http2';
import { after, before, test } from 'node:test';
import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import {
  type CreatedApiKeyJson,
  execution,
  type JobJson,
  type NewApiKeyInput,
  type ProblemJson,
} from '@runlane/contract';
import { aResult } from '@runlane/core/testing';
import { WebSocket } from 'ws';
import { openTestDoors, type TestDoors } from '../testing/command-doors.js';

const ADMIN_KEY = 'a-key-of-the-operator-0123456789abcdef';
const UNKNOWN_JOB = '01890a5d-ac96-774b-bcce-b302099a8057';

let doors: TestDoors;
before(async () => {
  doors = await openTestDoors({ AUTH: 'keys', ADMIN_KEY });
});
after(() => doors.close());

interface Sent {
  readonly key?: string | undefined;
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

function send(path: string, { key, method = 'GET', body, headers }: Sent = {}): Promise<Response> {
  return fetch(`${doors.baseUrl}${path}`, {
    method,
    headers: {
      ...(key !== undefined && { Authorization: `Bearer ${key}` }),
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

async function makeKey(wanted: Partial<NewApiKeyInput> = {}): Promise<CreatedApiKeyJson> {
  const response = await send('/v1/keys', { key: ADMIN_KEY, method: 'POST', body: { name: 'test', ...wanted } });
  assert.equal(response.status, 201, await response.clone().text());
  return (await response.json()) as CreatedApiKeyJson;
}

async function submit(key: string, body: object = { code: 'print(1)' }): Promise<JobJson> {
  const response = await send('/v1/jobs', { key, method: 'POST', body });
  assert.equal(response.status, 202, await response.clone().text());
  return (await response.json()) as JobJson;
}

const codeOf = async (response: Response) => [response.status, ((await response.json()) as ProblemJson).code];

/** Of a call that is refused. */
const refusalOf = (call: (done: (error: ServiceError | null) => void) => void) =>
  new Promise<ServiceError | null>((resolve) => call(resolve));

function metadataOf(key: string | undefined): Metadata {
  const metadata = new Metadata();
  if (key !== undefined) metadata.set('authorization', `Bearer ${key}`);
  return metadata;
}

test('without a key, or with one that is none, nobody is let in, and is told how', async () => {
  const { key } = await makeKey();
  const forged = `${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`;
  for (const presented of [undefined, '', 'x', forged, `${key}A`, 'rl_000000000000_'.padEnd(59, 'A')]) {
    const response = await send('/v1/jobs', { key: presented });
    assert.equal(response.headers.get('WWW-Authenticate'), 'Bearer realm="Runlane"');
    assert.deepEqual(await codeOf(response), [401, 'UNAUTHENTICATED'], presented);
    const refusal = await refusalOf((done) =>
      doors.client.get({ jobId: UNKNOWN_JOB }, metadataOf(presented), (error) => done(error)),
    );
    assert.equal(refusal?.code, status.UNAUTHENTICATED);
    assert.deepEqual(refusal?.metadata.get('runlane-code'), ['UNAUTHENTICATED']);
  }
  assert.equal((await send('/v1/jobs', { key })).status, 200);
});

test('what tells nothing of jobs needs no key', async () => {
  for (const path of ['/', '/healthz', '/readyz', '/docs', '/openapi.json']) {
    assert.equal((await send(path)).status, 200, path);
  }
});

test('a scope is what a key may do, at both doors', async () => {
  const reader = await makeKey({ scopes: ['read'] });
  const submitter = await makeKey({ scopes: ['submit'] });
  const routes: [string, string, string, unknown?][] = [
    ['submit', 'POST', '/v1/jobs', { code: '' }],
    ['submit', 'POST', '/submit-code', { code: '' }],
    ['submit', 'POST', '/v1/batches', { jobs: [{ code: '' }] }],
    ['submit', 'POST', `/v1/jobs/${UNKNOWN_JOB}/cancel`],
    ['submit', 'POST', '/api/v2/execute', { language: 'nothing' }],
    ['read', 'GET', '/v1/jobs'],
    ['read', 'GET', `/v1/jobs/${UNKNOWN_JOB}`],
    ['read', 'GET', '/v1/languages'],
    ['read', 'GET', '/v1/system'],
    ['admin', 'GET', '/v1/keys'],
    ['admin', 'GET', '/V1/Keys/'],
    ['admin', 'POST', '/v1/keys', { name: 'x' }],
    ['admin', 'POST', `/v1/keys/${reader.id}/revoke`],
    ['admin', 'GET', '/admin/queues'],
    ['admin', 'GET', '/admin/queues/api/queues'],
  ];
  for (const [scope, method, path, body] of routes) {
    for (const { key, scopes } of [reader, submitter]) {
      const response = await send(path, { key, method, body });
      const isForbidden = response.status === 403;
      assert.equal(isForbidden, !scopes.includes(scope as never), `${scopes} ${method} ${path}: ${response.status}`);
      await response.body?.cancel();
    }
  }
  const program = execution.Program.fromPartial({ code: '' });
  const forbidden = await refusalOf((done) =>
    doors.client.submit({ program, idempotencyKey: '' }, metadataOf(reader.key), (error) => done(error)),
  );
  assert.equal(forbidden?.code, status.PERMISSION_DENIED);
  const unseen = await refusalOf((done) =>
    doors.client.get({ jobId: UNKNOWN_JOB }, metadataOf(submitter.key), (error) => done(error)),
  );
  assert.equal(unseen?.code, status.PERMISSION_DENIED);
});

test('a job is seen by its key alone, and by keys of the same owner', async () => {
  const [mine, other, colleague] = [await makeKey(), await makeKey(), await makeKey({ ownerId: 'course' })];
  const sibling = await makeKey({ ownerId: 'course' });
  const job = await submit(mine.key, { code: 'print(1)', interactive: {} });
  assert.equal(job.ownerId, mine.id);
  const shared = await submit(colleague.key);
  await doors.ports.store.finish(shared.id, 1, aResult());

  const paths = ['', '/events', '/files/x'].map((rest) => `/v1/jobs/${job.id}${rest}`);
  for (const path of [...paths, `/exec-result?jobId=${job.id}`])
    assert.deepEqual(await codeOf(await send(path, { key: other.key })), [404, 'JOB_NOT_FOUND'], path);
  assert.deepEqual(await codeOf(await send(`/v1/jobs/${job.id}/cancel`, { key: other.key, method: 'POST' })), [
    404,
    'JOB_NOT_FOUND',
  ]);
  const list = async (key: string) => ((await (await send('/v1/jobs', { key })).json()) as { jobs: JobJson[] }).jobs;
  assert.deepEqual((await list(other.key)).length, 0);
  assert.deepEqual(
    (await list(mine.key)).map(({ id }) => id),
    [job.id],
  );
  assert.deepEqual(
    (await list(sibling.key)).map(({ id }) => id),
    [shared.id],
  );
  assert.equal((await send(`/v1/jobs/${shared.id}`, { key: sibling.key })).status, 200);
  assert.deepEqual(await codeOf(await send(`/v1/jobs/${job.id}`, { key: ADMIN_KEY })), [404, 'JOB_NOT_FOUND']);
});

test('an attachment takes its key as a subprotocol, as pages cannot send a header, and no other', async () => {
  const [mine, other] = [await makeKey(), await makeKey()];
  const { id } = await submit(mine.key, { code: 'input()', interactive: {} });
  const url = `${doors.baseUrl.replace('http', 'ws')}/v1/jobs/${id}/attach`;
  const statusOf = (protocols: string[]) =>
    new Promise<number>((resolve, reject) => {
      const socket = new WebSocket(url, protocols);
      socket.on('unexpected-response', (_, response) => resolve(response.statusCode ?? 0));
      socket.on('open', () => {
        assert.equal(socket.protocol, 'runlane');
        socket.close();
        resolve(101);
      });
      socket.on('error', reject);
    });
  assert.equal(await statusOf([]), 401);
  assert.equal(await statusOf(['runlane', `runlane.key.${other.key}`]), 404);
  // Whichever comes first, the key is not what is sent back.
  assert.equal(await statusOf([`runlane.key.${mine.key}`, 'runlane']), 101);
});

test('over gRPC nobody is waited for who is not let in: what they send is not kept', async (t) => {
  const session = connect(`http://127.0.0.1:${doors.grpcPort}`);
  t.after(() => session.destroy());
  const path = '/runlane.v1.ExecutionService/SubmitBatch';
  const call = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  // A message of 8 MiB, of which the end never comes.
  call.write(Buffer.concat([Buffer.from([0, 0, 0x80, 0, 0]), Buffer.alloc(64 * 1024)]));
  const signal = AbortSignal.timeout(5_000);
  const [[headers]] = await Promise.all([once(call, 'response', { signal }), once(call.resume(), 'close', { signal })]);
  assert.equal(headers['grpc-status'], `${status.UNAUTHENTICATED}`);
});

test('a revoked key is refused from the next request on, and so is one that has expired', async (t) => {
  const { id, key } = await makeKey();
  assert.equal((await send('/v1/jobs', { key })).status, 200);
  const revoked = await send(`/v1/keys/${id}/revoke`, { key: ADMIN_KEY, method: 'POST' });
  assert.equal(revoked.status, 200);
  const response = await send('/v1/jobs', { key });
  assert.equal(((await response.json()) as ProblemJson).detail, 'the key was revoked');

  const short = await makeKey({ expiresAt: new Date(Date.now() + 3_600_000).toISOString() });
  assert.equal((await send('/v1/jobs', { key: short.key })).status, 200);
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 3_600_000 });
  const late = await send('/v1/jobs', { key: short.key });
  assert.equal(((await late.json()) as ProblemJson).detail, 'the key has expired');
});

test('keys are listed without their secrets, page by page, and unknown ones cannot be revoked', async () => {
  const made = await makeKey({ name: 'of the list', limits: { requestsPerMinute: 5 } });
  const listed: Record<string, unknown>[] = [];
  for (let cursor = ''; ; ) {
    const text = await (await send(`/v1/keys${cursor}`, { key: ADMIN_KEY })).text();
    assert.ok(!text.includes(made.key) && !text.includes('sha256'));
    const { keys, nextCursor } = JSON.parse(text);
    listed.push(...keys);
    if (nextCursor === undefined) break;
    cursor = `?cursor=${nextCursor}`;
  }
  const { key: _, ...told } = made;
  assert.deepEqual(
    listed.find(({ id }) => id === made.id),
    told,
  );
  assert.deepEqual(await codeOf(await send('/v1/keys/000000000000/revoke', { key: ADMIN_KEY, method: 'POST' })), [
    404,
    'KEY_NOT_FOUND',
  ]);
});

test('a key that cannot be made is refused by its fields', async () => {
  const bad = {
    name: ' ',
    scopes: ['root'],
    ownerId: 'Nobody!',
    limits: { requestsPerMinute: 0 },
    expiresAt: '2020-01-01T00:00:00Z',
    colour: 1,
  };
  const response = await send('/v1/keys', { key: ADMIN_KEY, method: 'POST', body: bad });
  assert.equal(response.status, 400);
  const { errors = [] } = (await response.json()) as ProblemJson;
  assert.deepEqual(errors.map(({ field }) => field).toSorted(), [
    'colour',
    'expiresAt',
    'limits.requestsPerMinute',
    'name',
    'ownerId',
    'scopes[0]',
  ]);
  for (const ownerId of ['anonymous', 'admin']) {
    const taken = await send('/v1/keys', { key: ADMIN_KEY, method: 'POST', body: { name: 'x', ownerId } });
    assert.deepEqual(await codeOf(taken), [400, 'INVALID_REQUEST']);
  }
});

test('requests of a minute are counted over both doors, told in headers, and refused when they are too many', async () => {
  const { key } = await makeKey({ limits: { requestsPerMinute: 3 } });
  const first = await send('/v1/jobs', { key });
  assert.equal(first.headers.get('RateLimit-Policy'), '"requests";q=3;w=60');
  assert.match(first.headers.get('RateLimit') ?? '', /^"requests";r=2;t=\d+$/);
  const [second, third] = [await send('/v1/jobs', { key, method: 'POST', body: {} }), await send('/v1/jobs', { key })];
  assert.deepEqual([second.status, third.status], [400, 200]);
  const fourth = await send('/v1/jobs', { key });
  const retryAfter = Number(fourth.headers.get('Retry-After'));
  assert.ok(retryAfter >= 1 && retryAfter <= 60, `${retryAfter}`);
  assert.deepEqual(await codeOf(fourth), [429, 'RATE_LIMITED']);
  const call = await refusalOf((done) => doors.client.listLanguages({}, metadataOf(key), (error) => done(error)));
  assert.equal(call?.code, status.RESOURCE_EXHAUSTED);
  assert.ok(Number(call?.metadata.get('retry-after')[0]) >= 1);
  const piston = await send('/api/v2/runtimes', { key });
  assert.equal(piston.status, 429);
  assert.match(((await piston.json()) as { message: string }).message, /3 requests a minute/);
});

test('of many jobs at once, as many are taken as may be unfinished, and when one has ended, one more', async () => {
  const { key } = await makeKey({ limits: { unfinishedJobs: 3 } });
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => send('/v1/jobs', { key, method: 'POST', body: { code: '' } })),
  );
  const taken = answers.filter(({ status }) => status === 202);
  assert.equal(taken.length, 3);
  const refused = answers.find(({ status }) => status !== 202) as Response;
  assert.equal(refused.headers.get('Retry-After'), '1');
  assert.deepEqual(await codeOf(refused), [429, 'JOB_LIMIT_REACHED']);
  const { id } = (await (taken[0] as Response).json()) as JobJson;
  await doors.ports.store.finish(id, 1, aResult());
  await submit(key);
  assert.equal((await send('/v1/jobs', { key, method: 'POST', body: { code: '' } })).status, 429);
  const jobs = Array.from({ length: 4 }, () => ({ code: '' }));
  assert.deepEqual(await codeOf(await send('/v1/batches', { key, method: 'POST', body: { jobs } })), [
    400,
    'INVALID_REQUEST',
  ]);
});

test('when the processor time of a day is used up, jobs are refused until it is given anew', async () => {
  const { key, id } = await makeKey({ limits: { cpuSecondsPerDay: 2 } });
  await submit(key);
  await doors.ports.meters.cpuTimeMs.add(id, 1_999);
  await submit(key);
  await doors.ports.meters.cpuTimeMs.add(id, 1);
  const response = await send('/v1/jobs', { key, method: 'POST', body: { code: '' } });
  assert.ok(Number(response.headers.get('Retry-After')) > 80_000);
  assert.deepEqual(await codeOf(response), [429, 'QUOTA_EXCEEDED']);
  assert.equal((await send('/v1/jobs', { key })).status, 200);
});

test('readers of pages that embed code need no key, and share limits of their own', async (t) => {
  const origin = 'https://docs.example.org';
  const headers = { Origin: origin, 'Content-Type': 'application/json' };
  const limits = { EMBED_ORIGINS: origin, EMBED_UNFINISHED_JOBS: '1', EMBED_REQUESTS_PER_MINUTE: '6' };
  for (const keys of [{}, { AUTH: 'keys', ADMIN_KEY }]) {
    const embedding = await openTestDoors({ ...limits, ...keys });
    t.after(() => embedding.close());
    const ask = (more = {}, path = '/v1/jobs', method = 'POST') =>
      fetch(`${embedding.baseUrl}${path}`, {
        method,
        headers: { ...headers, ...more },
        ...(method === 'POST' && { body: '{"code": ""}' }),
      });
    const first = await ask();
    assert.equal(first.headers.get('RateLimit-Policy'), '"requests";q=6;w=60');
    const job = (await first.json()) as JobJson;
    assert.equal(job.ownerId, 'embed');
    assert.deepEqual(await codeOf(await ask()), [429, 'JOB_LIMIT_REACHED']);
    assert.equal((await ask({}, `/v1/jobs/${job.id}`, 'GET')).status, 200);
    // A key of no worth is no way round the limits.
    const forged = await ask({ Authorization: 'Bearer x' });
    assert.deepEqual(await codeOf(forged), keys.AUTH ? [401, 'UNAUTHENTICATED'] : [429, 'JOB_LIMIT_REACHED']);
    assert.deepEqual(await codeOf(await ask({}, '/v1/jobs', 'GET')), [403, 'FORBIDDEN_ORIGIN']);
    for (let n = 0; n < 4; n += 1) await (await ask()).body?.cancel();
    assert.deepEqual(await codeOf(await ask()), [429, 'RATE_LIMITED']);
  }
});

test('readers of such pages are nobody elsewhere, whatever name they call the server by', async (t) => {
  const origin = 'http://localhost:8000';
  const embedding = await openTestDoors({ AUTH: 'keys', ADMIN_KEY, EMBED_ORIGINS: origin });
  t.after(() => embedding.close());
  // Not by `fetch`, which sets Host itself: as a page of the server's own would, for whose name the origin is.
  const ask = (path: string, method: string, body = '') =>
    new Promise<number | undefined>((resolve, reject) => {
      const headers = { Host: 'localhost:8000', Origin: origin, 'Content-Type': 'application/json' };
      const sent = request(`${embedding.baseUrl}${path}`, { method, headers }, (response) => {
        response.resume().once('end', () => resolve(response.statusCode));
      });
      sent.once('error', reject).end(body);
    });
  assert.equal(await ask('/v1/jobs', 'POST', '{"code": ""}'), 202);
  for (const path of ['/v1/jobs', '/v1/jobs/', '/v1/languages', `/v1/jobs/${UNKNOWN_JOB}/files/a`, '/admin/status'])
    assert.equal(await ask(path, 'GET'), 401, path);
  for (const path of ['/v1/batches', '/api/v2/execute', '/api/v2/v1/jobs', '/submit-code'])
    assert.equal(await ask(path, 'POST', '{}'), 401, path);
});

test('readers of such pages have nobody called when their program has ended, and put nothing off', async (t) => {
  const origin = 'https://docs.example.org';
  const embedding = await openTestDoors({ AUTH: 'keys', ADMIN_KEY, EMBED_ORIGINS: origin, WEBHOOKS: 'on' });
  t.after(() => embedding.close());
  const response = await fetch(`${embedding.baseUrl}/v1/jobs`, {
    method: 'POST',
    headers: { Origin: origin, 'Content-Type': 'application/json' },
    body: '{"code": "", "callbackUrl": "https://example.org/", "notBefore": "2026-01-31T12:00:00Z"}',
  });
  assert.equal(response.status, 400);
  const { errors = [] } = (await response.json()) as ProblemJson;
  assert.deepEqual(
    errors.map(({ field }) => field),
    ['callbackUrl', 'notBefore'],
  );
});

test('a key that says nothing of it may have half of the room, and no more', async (t) => {
  const small = await openTestDoors({ AUTH: 'keys', ADMIN_KEY, MAX_QUEUED_JOBS: '4' });
  t.after(() => small.close());
  const ask = async (key: string, path: string, body: object) => {
    const headers = { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' };
    return fetch(`${small.baseUrl}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  };
  const keys = await Promise.all(
    ['one', 'another'].map(async (name) => {
      const { key } = (await (await ask(ADMIN_KEY, '/v1/keys', { name })).json()) as { key: string };
      return key;
    }),
  );
  const [one = '', another = ''] = keys;
  const submits = async (key: string) => (await ask(key, '/v1/jobs', { code: '' })).status;
  assert.deepEqual([await submits(one), await submits(one), await submits(one)], [202, 202, 429]);
  assert.equal(await submits(another), 202);
});

test('a browser asks for the key of the board as a password', async () => {
  const refused = await send('/admin/queues');
  assert.deepEqual([refused.status, refused.headers.get('WWW-Authenticate')], [401, 'Basic realm="Runlane"']);
  const headers = { Authorization: `Basic ${Buffer.from(`anything:${ADMIN_KEY}`).toString('base64')}` };
  assert.equal((await send('/admin/queues', { headers })).status, 200);
});

test('without ADMIN_KEY there is no start with AUTH=keys, as nobody could make a key', async () => {
  await assert.rejects(openTestDoors({ AUTH: 'keys' }), /ADMIN_KEY/);
  await assert.rejects(openTestDoors({ AUTH: 'keys', ADMIN_KEY: 'short-secret' }), (error: Error) => {
    assert.match(error.message, /ADMIN_KEY="…" must be 32 to 256/);
    assert.ok(!error.message.includes('short-secret'));
    return true;
  });
});

test('where there are no keys, their routes say what turns them on', async (t) => {
  const open = await openTestDoors();
  t.after(() => open.close());
  const response = await fetch(`${open.baseUrl}/v1/keys`);
  assert.equal(response.status, 404);
  assert.match(((await response.json()) as ProblemJson).detail, /AUTH=keys/);
});
