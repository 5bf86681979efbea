/** Requests that no client of good faith makes: other pages, broken HTTP, slow ones. The server answers and goes on. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { openTestDoors, type TestDoors } from '../testing/command-doors.js';

let doors: TestDoors;
before(async () => {
  doors = await openTestDoors();
});
after(() => doors.close());

/** Send bytes and give back all that comes until the connection is closed. */
function exchange(bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(doors.httpPort, '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
  });
}

const get = (headers: string, path = '/healthz') =>
  exchange(`GET ${path} HTTP/1.1\r\n${headers}Connection: close\r\n\r\n`);
const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);
const host = () => `Host: 127.0.0.1:${doors.httpPort}\r\n`;

test('a host name that is not ours is refused on every route', async () => {
  for (const path of ['/healthz', '/v1/languages', '/docs', '/admin/queues', '/openapi.json', '/nowhere']) {
    for (const name of ['evil.example', 'evil.example:3000', 'localhost.evil.example', '127.0.0.1.evil.example', '']) {
      assert.equal(statusOf(await get(`Host: ${name}\r\n`, path)), 421, `${name} ${path}`);
    }
  }
});

test('every name of this machine is answered', async () => {
  for (const name of ['localhost', 'LOCALHOST:3000', '127.0.0.1', '[::1]:3000']) {
    assert.equal(statusOf(await get(`Host: ${name}\r\n`)), 200, name);
  }
});

test('a page of another origin or site is refused, a page of ours and a followed link are not', async () => {
  const own = `http://127.0.0.1:${doors.httpPort}`;
  assert.equal(statusOf(await get(`${host()}Origin: https://evil.example\r\n`)), 403);
  assert.equal(statusOf(await get(`${host()}Origin: null\r\n`)), 403);
  assert.equal(statusOf(await get(`${host()}Origin: ${own}\r\n`)), 200);
  assert.equal(statusOf(await get(`${host()}Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: cors\r\n`)), 403);
  assert.equal(statusOf(await get(`${host()}Sec-Fetch-Site: same-site\r\nSec-Fetch-Mode: no-cors\r\n`)), 403);
  assert.equal(statusOf(await get(`${host()}Sec-Fetch-Site: same-origin\r\n`)), 200);
  assert.equal(statusOf(await get(`${host()}Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n`)), 200);
  const form = `POST /v1/jobs HTTP/1.1\r\n${host()}Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`;
  assert.equal(statusOf(await exchange(form)), 403);
});

test('pages of an origin that is listed may send requests, and those of others still may not', async () => {
  const welcome = 'https://docs.example.org';
  const open = await openTestDoors({ CORS_ORIGINS: `${welcome},http://127.0.0.1:5173` });
  const ask = (origin: string, init: RequestInit = {}) =>
    fetch(`${open.baseUrl}/v1/languages`, { ...init, headers: { Origin: origin, ...init.headers } });
  try {
    const answer = await ask(welcome, { headers: { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'cors' } });
    const headers = (response: Response, ...names: string[]) => names.map((name) => response.headers.get(name));
    assert.deepEqual(
      [answer.status, ...headers(answer, 'Access-Control-Allow-Origin', 'Access-Control-Allow-Credentials', 'Vary')],
      [200, welcome, null, 'Origin'],
    );
    const preflight = await ask(welcome, {
      method: 'OPTIONS',
      headers: { 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'idempotency-key' },
    });
    assert.equal(preflight.status, 204);
    assert.match(String(headers(preflight, 'Access-Control-Allow-Headers')), /Idempotency-Key/);
    const refused = ['https://evil.example', `${welcome}.evil.example`, 'http://docs.example.org', 'null'];
    for (const origin of refused) {
      const { status, headers: sent } = await ask(origin);
      assert.deepEqual([status, sent.get('Access-Control-Allow-Origin')], [403, null], origin);
    }
  } finally {
    await open.close();
  }
});

test('pages that embed code may run it, and see nothing of what others ran', async () => {
  const origin = 'https://docs.example.org';
  const open = await openTestDoors({ EMBED_ORIGINS: origin });
  const id = '01890a5d-ac96-774b-bcce-b302099a8057';
  const statusFor = async (method: string, path: string, headers: Record<string, string> = {}) =>
    (await fetch(`${open.baseUrl}${path}`, { method, headers: { Origin: origin, ...headers } })).status;
  const preflight = (method: string, path: string) =>
    statusFor('OPTIONS', path, { 'Access-Control-Request-Method': method });
  try {
    assert.equal(await preflight('POST', '/v1/jobs'), 204);
    assert.equal(await preflight('POST', `/v1/jobs/${id}/cancel`), 204);
    for (const path of ['', '/events']) assert.equal(await statusFor('GET', `/v1/jobs/${id}${path}`), 404, path);
    assert.equal(await preflight('POST', '/v1/batches'), 403);
    for (const path of [
      '/v1/jobs',
      '/v1/system',
      '/admin/queues',
      `/v1/jobs/${id}/files/a`,
      `/v1/jobs/${id}/attach`,
      '/',
    ]) {
      assert.equal(await statusFor('GET', path), 403, path);
    }
    assert.equal(await statusFor('GET', '/v1/jobs', { Origin: 'https://evil.example' }), 403);
  } finally {
    await open.close();
  }
});

test('the script of embedded code is the one thing that every page may load', async () => {
  const elsewhere = 'Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n';
  const answer = await get(`${host()}${elsewhere}`, '/embed/run-code.js');
  assert.equal(statusOf(answer), 200);
  assert.match(answer, /Cross-Origin-Resource-Policy: cross-origin/);
  assert.equal(statusOf(await get(`Host: evil.example\r\n${elsewhere}`, '/embed/run-code.js')), 421);
  for (const path of ['/embed', '/theme.js', '/'])
    assert.equal(statusOf(await get(`${host()}${elsewhere}`, path)), 403, path);
});

test('broken HTTP is answered with a problem document and the connection closed', async () => {
  const broken = [
    'hello\r\n\r\n',
    `GET / HTTP/1.1\r\n${host()}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
    `POST /v1/jobs HTTP/1.1\r\n${host()}Transfer-Encoding: xchunked\r\n\r\n`,
    `POST /v1/jobs HTTP/1.1\r\n${host()}Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}`,
    `GET / HTTP/1.1\r\n${host()}A: b\r\n folded\r\n\r\n`,
  ];
  for (const bytes of broken) {
    const answer = await exchange(bytes);
    assert.ok([400, 404].includes(statusOf(answer)), JSON.stringify([bytes, answer.slice(0, 100)]));
    assert.match(answer, /application\/problem\+json/);
  }
});

test('headers that are too large are refused with 431', async () => {
  const answer = await get(`${host()}X-Long: ${'x'.repeat(20_000)}\r\n`);
  assert.equal(statusOf(answer), 431);
  assert.match(answer, /HEADERS_TOO_LARGE/);
});

test('security headers are on every page, and nothing says what the server is made of', async () => {
  for (const path of ['/docs', '/v1/languages', '/nowhere', '/admin/queues']) {
    const response = await fetch(`${doors.baseUrl}${path}`);
    assert.equal(response.headers.get('X-Content-Type-Options'), 'nosniff', path);
    assert.match(response.headers.get('Content-Security-Policy') ?? '', /default-src 'self'/, path);
    assert.equal(response.headers.get('X-Powered-By'), null, path);
  }
});

test('the documentation page and the board load everything from here', async () => {
  for (const [path, start] of [
    ['/docs', '/docs/'],
    ['/admin/queues', '/admin/queues/'],
  ] as const) {
    const page = await (await fetch(`${doors.baseUrl}${path}`)).text();
    const assets = [...page.matchAll(/<(?:script|link)[^>]+(?:src|href)="([^"]+)"/g)].map(([, url]) => url ?? '');
    const own = assets.filter((url) => !url.startsWith('http'));
    assert.ok(own.length > 0);
    for (const url of own) {
      const response = await fetch(new URL(url, `${doors.baseUrl}${start}`));
      assert.equal(response.status, 200, url);
    }
  }
});

test('the OpenAPI document has an operation for every route', async () => {
  const document = (await (await fetch(`${doors.baseUrl}/openapi.json`)).json()) as {
    openapi: string;
    paths: Record<string, Record<string, { operationId: string; responses: Record<string, unknown> }>>;
  };
  assert.equal(document.openapi, '3.1.0');
  const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
  assert.ok(operations.length >= 9);
  for (const { operationId, responses } of operations) {
    assert.ok(operationId);
    assert.ok(
      Object.keys(responses).some((code) => code.startsWith('4')),
      operationId,
    );
  }
});
