import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { until } from '@runlane/core/testing';
import { startWay, type Way } from './way.js';

/** Says back what it hears, and counts it. */
let heard = '';
const server = createServer((socket) => {
  socket.on('error', () => {});
  socket.on('data', (data) => {
    heard += data;
    socket.write(data);
  });
}).listen(0, '127.0.0.1');
let way: Way;

before(async () => {
  await once(server, 'listening');
  way = await startWay((server.address() as AddressInfo).port);
});
after(() => {
  way.close();
  server.close();
});

async function aClient() {
  const socket = connect(way.port, '127.0.0.1');
  const client = { socket, received: '', error: '' };
  socket.on('data', (data) => {
    client.received += data;
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    client.error = error.code ?? '';
  });
  await once(socket, 'connect');
  return client;
}

test('passes on what both sides say', async () => {
  const client = await aClient();
  client.socket.write('hello');
  await until('it came back', () => client.received === 'hello');
  client.socket.destroy();
});

test('a reset breaks the connection, and the next is as good as any', async () => {
  const client = await aClient();
  client.socket.write('before');
  await until('it came back', () => client.received === 'before');
  assert.ok(way.reset() >= 1);
  await until('it was reset', () => client.error === 'ECONNRESET');
  const next = await aClient();
  next.socket.write('after');
  await until('it came back', () => next.received === 'after');
  next.socket.destroy();
});

test('replies are lost although requests arrive, and their connection does not come back', async () => {
  const client = await aClient();
  heard = '';
  way.dropReplies();
  client.socket.write('deaf');
  await until('the server heard it', () => heard === 'deaf');
  // The server answers at once: give its answer the time to be lost.
  await until('its answer was lost', () => way.lostBytes() === 'deaf'.length);
  assert.equal(client.received, '');
  assert.equal(way.deliverReplies(), 'deaf'.length);
  await until('it was cut', () => client.error === 'ECONNRESET');
});
