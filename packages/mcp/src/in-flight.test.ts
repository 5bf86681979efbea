/** Cancellations that come as requests of their own, from clients that all count from 0. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { createInFlight } from './in-flight.js';

function createTransport() {
  const transport = { closed: false, start: async () => undefined, send: async () => undefined, close };
  async function close() {
    transport.closed = true;
  }
  return transport satisfies Transport;
}

const call = (id: number | string) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: {} });
const cancellation = (requestId: number | string) => ({
  jsonrpc: '2.0',
  method: 'notifications/cancelled',
  params: { requestId },
});

test('a cancellation ends the call that it means, of its own client alone', () => {
  const inFlight = createInFlight();
  const [mine, another, other] = [createTransport(), createTransport(), createTransport()];
  inFlight.begin('me', call(1), mine);
  inFlight.begin('me', call('1'), another);
  inFlight.begin('you', call(1), other);
  assert.equal(inFlight.cancel('me', cancellation(1)), true);
  assert.deepEqual([mine.closed, another.closed, other.closed], [true, false, false]);
});

test('a call that is over is not cancelled, nor is the one that has its id later', () => {
  const inFlight = createInFlight();
  const [first, second] = [createTransport(), createTransport()];
  const end = inFlight.begin('me', call(0), first);
  inFlight.begin('me', call(0), second);
  end();
  inFlight.cancel('me', cancellation(0));
  assert.deepEqual([first.closed, second.closed], [false, true]);
});

test('what is no cancellation is left to others', () => {
  const inFlight = createInFlight();
  for (const message of [call(1), undefined, 3, {}, [cancellation(1)]])
    assert.equal(inFlight.cancel('me', message), false);
});
