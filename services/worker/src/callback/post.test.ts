/** What receivers may do, and what becomes of it: real servers, on the loopback address. */
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Answer, post } from './post.js';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function listen(server: Server): Promise<number> {
  servers.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
const serve = (listener: RequestListener) => listen(createServer(listener));
/** A server that speaks no HTTP. */
const speak = (handle: (socket: Socket) => void) =>
  listen(
    createTcpServer((socket) => {
      socket.on('error', () => {});
      handle(socket);
    }),
  );

interface To {
  readonly host?: string;
  readonly path?: string;
  readonly scheme?: string;
  readonly addresses?: readonly string[];
  readonly withinMs?: number;
}

async function call(port: number, to: To = {}): Promise<Answer> {
  const { host = '127.0.0.1', path = '/', scheme = 'http', addresses = ['127.0.0.1'], withinMs = 5_000 } = to;
  const over = new AbortController();
  const timer = setTimeout(() => over.abort('timed_out'), withinMs);
  const url = new URL(`${scheme}://${host}:${port}${path}`);
  const answer = await post({ url, addresses, headers: { 'x-test': '1' }, body: '{"é":1}', signal: over.signal });
  clearTimeout(timer);
  return answer;
}

test('what is posted arrives as it is, at the path and under the name of the address', async () => {
  let seen: unknown;
  const port = await serve(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method, url, headers } = request;
    seen = [method, url, headers.host, headers['x-test'], headers['content-length'], Buffer.concat(chunks).toString()];
    response.writeHead(204).end();
  });
  assert.deepEqual(await call(port, { host: 'name.example', path: '/a%20b?c=d' }), { statusCode: 204 });
  assert.deepEqual(seen, ['POST', '/a%20b?c=d', `name.example:${port}`, '1', '8', '{"é":1}']);
});

test('only the addresses that were given are connected to, whatever the name leads to', async () => {
  const port = await serve((_request, response) => response.end());
  // It is this machine's own name, where the server listens.
  assert.deepEqual(await call(port, { host: 'localhost', addresses: ['127.0.0.2'] }), { error: 'not_connected' });
  assert.deepEqual(await call(port, { host: 'nowhere.invalid' }), { statusCode: 200 });
});

test('of several addresses, one that does not answer is passed over', async () => {
  const port = await serve((_request, response) => response.end());
  assert.deepEqual(await call(port, { host: 'a.example', addresses: ['127.0.0.2', '127.0.0.1'] }), { statusCode: 200 });
});

for (const status of [301, 302, 303, 307, 308]) {
  test(`a redirect (${status}) is not followed`, async () => {
    let reached = 0;
    const second = await serve((_request, response) => {
      reached += 1;
      response.end();
    });
    const location = `http://127.0.0.1:${second}/`;
    const port = await serve((_request, response) => response.writeHead(status, { location }).end());
    assert.deepEqual(await call(port), { statusCode: status });
    assert.equal(reached, 0);
  });
}

test('what a receiver asks for is told with its status', async () => {
  const port = await serve((_request, response) => response.writeHead(503, { 'Retry-After': '7' }).end());
  assert.deepEqual(await call(port), { statusCode: 503, retryAfterMs: 7_000 });
});

test('an endless answer is cut off, and its status counts', async () => {
  let sentBytes = 0;
  const port = await serve((_request, response) => {
    response.writeHead(200);
    const more = () => {
      while (response.writable && response.write(Buffer.alloc(8_192))) sentBytes += 8_192;
    };
    response.on('drain', more).on('error', () => {});
    more();
  });
  assert.deepEqual(await call(port), { statusCode: 200 });
  assert.ok(sentBytes < 50_000_000);
});

test('an answer that is dripped ends with the time, and its status counts', async () => {
  const port = await serve((_request, response) => {
    response.writeHead(202);
    const drip = setInterval(() => response.write('.'), 20);
    response.on('close', () => clearInterval(drip));
  });
  assert.deepEqual(await call(port, { withinMs: 300 }), { statusCode: 202 });
});

test('a receiver that says nothing is given up when the time is over', async () => {
  const port = await serve(() => {});
  assert.deepEqual(await call(port, { withinMs: 300 }), { error: 'timed_out' });
});

test('headers without an end are given up', async () => {
  const port = await speak((socket) => {
    socket.write('HTTP/1.1 200 OK\r\n');
    const drip = setInterval(() => socket.write(`x-${'a'.repeat(1_000)}: 1\r\n`), 2);
    socket.on('close', () => clearInterval(drip));
  });
  assert.deepEqual(await call(port), { error: 'broken_off' });
});

for (const [what, said] of [
  ['closes at once', ''],
  ['speaks something else', '220 smtp.example ESMTP\r\n'],
  ['changes the protocol', 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'],
] as const) {
  test(`a receiver that ${what} has broken off`, async () => {
    const port = await speak((socket) => socket.once('data', () => socket.end(said)));
    assert.deepEqual(await call(port), { error: 'broken_off' });
  });
}

test('hints before the answer are passed over', async () => {
  const port = await speak((socket) =>
    socket.once('data', () => socket.end('HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n')),
  );
  assert.deepEqual(await call(port), { statusCode: 204 });
});

test('nobody there is told as such', async () => {
  const port = await serve(() => {});
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
  assert.deepEqual(await call(port), { error: 'not_connected' });
});

const folder = mkdtempSync(join(tmpdir(), 'runlane-post-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const skip = spawnSync('openssl', ['version']).error ? 'openssl, which makes certificates, is not installed' : false;
const keyFile = join(folder, 'key');
const certificateFile = join(folder, 'certificate');

/** A server whose certificate is for `name.example`, and what it was asked for: in the handshake, and in the request. */
async function serveSecurely() {
  const subject = ['-subj', '/CN=name.example', '-addext', 'subjectAltName=DNS:name.example'];
  const words = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1'.split(' ');
  execFileSync('openssl', [...words, '-keyout', keyFile, '-out', certificateFile, ...subject], { stdio: 'ignore' });
  const asked: unknown[] = [];
  const identity = { key: readFileSync(keyFile), cert: readFileSync(certificateFile) };
  const server = createSecureServer(identity, ({ socket, headers }, response) => {
    asked.push([(socket as { servername?: unknown }).servername, headers.host]);
    response.end();
  });
  return { port: await listen(server), asked };
}

/** The same call by a process that trusts the server's certificate: who does is said when a process starts. */
async function callTrusting(port: number, host: string): Promise<Answer> {
  const script = `
    import { post } from ${JSON.stringify(fileURLToPath(new URL('./post.js', import.meta.url)))};
    const url = new URL('https://${host}:${port}/');
    const signal = AbortSignal.timeout(5_000);
    console.log(JSON.stringify(await post({ url, addresses: ['127.0.0.1'], headers: {}, body: '', signal })));`;
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: certificateFile };
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env });
  return JSON.parse(stdout) as Answer;
}

test('over TLS the name is asked for and checked, though an address is connected to', { skip }, async () => {
  const { port, asked } = await serveSecurely();
  assert.deepEqual(await callTrusting(port, 'name.example'), { statusCode: 200 });
  assert.deepEqual(asked, [['name.example', `name.example:${port}`]]);
  for (const other of ['other.example', '127.0.0.1'])
    assert.deepEqual(await callTrusting(port, other), { error: 'tls_failed' }, other);
});

test('a certificate that nobody vouches for is refused', { skip }, async () => {
  const { port, asked } = await serveSecurely();
  assert.deepEqual(await call(port, { scheme: 'https', host: 'name.example' }), { error: 'tls_failed' });
  assert.deepEqual(asked, []);
});

test('a receiver that speaks no TLS where it should has failed at that', async () => {
  const port = await serve((_request, response) => response.end());
  assert.deepEqual(await call(port, { scheme: 'https', host: 'name.example' }), { error: 'tls_failed' });
});

test('a handshake without an end is given up before the time for all is over', async () => {
  const port = await speak(() => {});
  const startedAtMs = performance.now();
  const answer = await call(port, { scheme: 'https', host: 'name.example', withinMs: 60_000 });
  assert.deepEqual(answer, { error: 'timed_out' });
  assert.ok(performance.now() - startedAtMs < 50_000);
});
