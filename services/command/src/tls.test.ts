/** Both doors over TLS: what they agree on, whom they hang up on, and what is said when they cannot open. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect as connectPlainly } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect, type SecureVersion, type TLSSocket } from 'node:tls';
import { credentials } from '@grpc/grpc-js';
import { execution } from '@runlane/contract';
import { makeAuthority, skipWithout, type TestAuthority } from '@runlane/core/testing';
import { openTestDoors, type TestDoors } from './testing/command-doors.js';

describe('command over TLS', { skip: skipWithout('openssl') }, () => {
  let folder: string;
  let authority: TestAuthority;
  let stranger: TestAuthority;
  let doors: TestDoors;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'runlane-command-tls-'));
    authority = await makeAuthority(folder);
    stranger = await makeAuthority(folder, 'stranger');
    const { certPath, keyPath } = await authority.issue('command');
    doors = await openTestDoors({
      TLS_CERT: certPath,
      TLS_KEY: keyPath,
      ALLOWED_HOSTS: 'localhost,127.0.0.1,[::1],runlane.example',
    });
  });
  after(async () => {
    await doors?.close();
    await rm(folder, { recursive: true });
  });

  interface How {
    readonly ca?: Buffer;
    readonly only?: SecureVersion;
    readonly ALPNProtocols?: string[];
  }

  /** @throws Error where no connection comes about. */
  async function connectTo(port: number, { ca = authority.pem, only, ALPNProtocols }: How = {}): Promise<TLSSocket> {
    const versions = only && { minVersion: only, maxVersion: only };
    // OpenSSL 3 has no TLS before 1.2 at its usual level: as it is not what is tried, the client goes below that.
    const ciphers = only === 'TLSv1.1' ? { ciphers: 'DEFAULT@SECLEVEL=0' } : {};
    const protocols = ALPNProtocols && { ALPNProtocols };
    const socket = connect({ port, servername: 'localhost', ca, ...versions, ...ciphers, ...protocols });
    await once(socket, 'secureConnect');
    return socket;
  }

  /** Send bytes and give back all that comes until the connection is closed. */
  async function exchange(bytes: string): Promise<string> {
    const socket = await connectTo(doors.httpPort);
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.write(bytes);
    await once(socket, 'close');
    return answer;
  }

  const get = (headers: string) => exchange(`GET /v1/languages HTTP/1.1\r\n${headers}\r\n\r\n`);

  function languagesOverGrpc(ca: Buffer): Promise<number> {
    const client = new execution.ExecutionServiceClient(`localhost:${doors.grpcPort}`, credentials.createSsl(ca));
    return new Promise<number>((resolve, reject) =>
      client.listLanguages({}, (error, response) => (error ? reject(error) : resolve(response.languages.length))),
    ).finally(() => client.close());
  }

  test('HTTP answers, and tells browsers to come back over TLS alone', async () => {
    const answer = await get('Host: runlane.example:3000\r\nConnection: close');
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
    assert.match(answer, /\r\nStrict-Transport-Security: max-age=31536000\r\n/);
  });

  for (const host of ['localhost', 'LOCALHOST:3000', '127.0.0.1:3000', '[::1]:3000']) {
    test(`at ${host} browsers are told nothing of it, for others answer to that name without TLS`, async () => {
      const answer = await get(`Host: ${host}\r\nConnection: close`);
      assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
      assert.doesNotMatch(answer, /Strict-Transport-Security/i);
    });
  }

  test('without TLS browsers are told nothing of it', async () => {
    const plain = await openTestDoors();
    const { headers } = await fetch(`${plain.baseUrl}/v1/languages`);
    await plain.close();
    assert.equal(headers.get('Strict-Transport-Security'), null);
  });

  test('gRPC answers', async () => {
    assert.equal(await languagesOverGrpc(authority.pem), 1);
  });

  test('clients that trust another authority do not get through to either door', async () => {
    await assert.rejects(connectTo(doors.httpPort, { ca: stranger.pem }), /certificate/);
    await assert.rejects(languagesOverGrpc(stranger.pem), /UNAVAILABLE/);
  });

  test('names that are not ours are refused as ever', async () => {
    assert.match(await get('Host: evil.example\r\nConnection: close'), /^HTTP\/1\.1 421 /);
  });

  test('TLS 1.3 is taken where the client has it, and nothing below 1.2', async () => {
    for (const [port, ALPNProtocols] of [
      [doors.httpPort, ['http/1.1']],
      [doors.grpcPort, ['h2']],
    ] as const) {
      const agreed = async (how: How) => {
        const socket = await connectTo(port, { ...how, ALPNProtocols: [...ALPNProtocols] });
        const version = socket.getProtocol();
        socket.destroy();
        return version;
      };
      assert.equal(await agreed({}), 'TLSv1.3');
      assert.equal(await agreed({ only: 'TLSv1.2' }), 'TLSv1.2');
      await assert.rejects(agreed({ only: 'TLSv1.1' }), /protocol version|unsupported protocol/);
    }
  });

  test('a wish for HTTP/2 is passed over, as without TLS', async () => {
    const wish =
      'Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA';
    assert.match(await get(`Host: localhost\r\n${wish}`), /^HTTP\/1\.1 200 OK\r\n/);
  });

  test('whoever speaks something else is hung up on, and others are served on', async () => {
    for (const port of [doors.httpPort, doors.grpcPort]) {
      for (const bytes of [
        'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n',
        'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
        '\0'.repeat(99),
      ]) {
        const socket = connectPlainly(port, '127.0.0.1');
        socket.on('error', () => undefined);
        socket.on('data', () => undefined);
        socket.end(bytes);
        await once(socket, 'close');
      }
    }
    assert.match(await get('Host: localhost\r\nConnection: close'), /^HTTP\/1\.1 200 OK\r\n/);
    assert.equal(await languagesOverGrpc(authority.pem), 1);
  });

  test('a client that goes away in the middle of the handshake is no trouble', async () => {
    const socket = connectPlainly(doors.httpPort, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(Buffer.from('16030100a5010000a10303', 'hex'));
    socket.resetAndDestroy();
    assert.match(await get('Host: localhost\r\nConnection: close'), /^HTTP\/1\.1 200 OK\r\n/);
  });

  test('files that cannot be served with are named, with their variable and the reason, and nothing is opened', async () => {
    const { certPath: TLS_CERT, keyPath: TLS_KEY } = await authority.issue('named');
    const { keyPath: other } = await authority.issue('other');
    const text = join(folder, 'text');
    await writeFile(text, 'no PEM');
    for (const [env, reason] of [
      [{ TLS_CERT }, /TLS_CERT must not be set without TLS_KEY/],
      [{ TLS_KEY }, /TLS_KEY must not be set without TLS_CERT/],
      [{ TLS_CERT: `${TLS_CERT}.old`, TLS_KEY }, /TLS_CERT=".*\.old" cannot be read: there is no such file/],
      [{ TLS_CERT: text, TLS_KEY }, /TLS_CERT=".*\/text" is no certificate in PEM form/],
      [{ TLS_CERT, TLS_KEY: text }, /TLS_KEY=".*\/text" is no private key in PEM form/],
      [{ TLS_CERT, TLS_KEY: other }, /TLS_KEY=".*\/other.key" does not belong to the certificate in TLS_CERT="/],
    ] as const) {
      await assert.rejects(openTestDoors(env), reason);
    }
    const doors = await openTestDoors({ TLS_CERT, TLS_KEY });
    await doors.close();
  });
});
