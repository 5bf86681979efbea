import assert from 'node:assert/strict';
import { getServers, setServers } from 'node:dns';
import { after, before, test } from 'node:test';
import { type NameServer, startNameServer } from '@runlane/core/testing';
import { resolveHost } from './resolve.js';

let server: NameServer;
const usual = getServers();
before(async () => {
  server = await startNameServer();
  setServers([server.address]);
});
after(() => {
  setServers(usual);
  server.stop();
});

const resolve = (host: string, withinMs = 5_000) =>
  resolveHost(new URL(`http://${host}/`), AbortSignal.timeout(withinMs)).then((found) => found.toSorted());

test('every address of a name is found, of both families', async () => {
  server.names.set('both.example', ['192.0.2.1', '192.0.2.2', '2001:db8::1']);
  assert.deepEqual(await resolve('both.example'), ['192.0.2.1', '192.0.2.2', '2001:db8::1']);
});

test('a name with addresses of one family has these, and an unknown one none', async () => {
  server.names.set('four.example', ['192.0.2.1']);
  assert.deepEqual(await resolve('four.example'), ['192.0.2.1']);
  assert.deepEqual(await resolve('unknown.example'), []);
});

test('an address stands for itself, as it is read and not as it is written', async () => {
  assert.deepEqual(await resolve('0x7f.1'), ['127.0.0.1']);
  assert.deepEqual(await resolve('[::ffff:127.0.0.1]'), ['::ffff:7f00:1']);
});

test('this machine has its own name, whatever a name server says', async () => {
  server.names.set('localhost', ['192.0.2.1']);
  server.names.set('a.localhost', ['192.0.2.1']);
  for (const name of ['localhost', 'a.localhost', 'LOCALHOST.']) assert.deepEqual(await resolve(name), ['127.0.0.1']);
});

test('a name server that says nothing is waited for no longer than there is time', async () => {
  const startedAtMs = performance.now();
  server.names.set('silent.example', 'silent');
  assert.deepEqual(await resolve('silent.example', 200), []);
  assert.ok(performance.now() - startedAtMs < 1_900);
});
