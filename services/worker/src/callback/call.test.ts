/** What is checked before anything is connected to, and that nothing is where the check fails. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { createCallbackRules } from '@runlane/core';
import { createMakeCall } from './call.js';
import { signaturesOf } from './sign.js';

const SECRET = Buffer.alloc(24, 1);
const MESSAGE = { id: 'msg_1', timestamp: 1_700_000_000, body: '{}' };

/** On the loopback address: reached by whoever is not stopped. */
const receiver = createServer((request, response) => {
  reached.push(request.headers['webhook-signature']);
  response.writeHead(204).end();
});
let reached: unknown[] = [];
let port: number;
before(async () => {
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  port = (receiver.address() as AddressInfo).port;
});
beforeEach(() => {
  reached = [];
});
after(() => receiver.close());

interface Given {
  readonly allowedNetworks?: readonly string[];
  /** What the name leads to, each time it is looked up. */
  readonly lookups?: readonly (readonly string[])[];
  readonly timeoutMs?: number;
}

function calling({ allowedNetworks = [], lookups = [], timeoutMs = 2_000 }: Given) {
  let lookedUp = 0;
  const makeCall = createMakeCall({
    rules: createCallbackRules({ allowHttp: true, allowedNetworks }),
    resolve: async () => {
      lookedUp += 1;
      return lookups[lookedUp - 1] ?? [];
    },
    secrets: [SECRET],
    timeoutMs,
    stopping: new AbortController().signal,
  });
  return {
    call: (host = 'name.example') => makeCall(new URL(`http://${host}:${port}/`), MESSAGE),
    lookedUp: () => lookedUp,
  };
}

test('control: a receiver on the loopback address is reached where that is allowed', async () => {
  const { call } = calling({ allowedNetworks: ['127.0.0.0/8'], lookups: [['127.0.0.1']] });
  assert.deepEqual(await call(), { statusCode: 204 });
  assert.deepEqual(reached, [signaturesOf(MESSAGE, [SECRET])]);
});

test('a name that leads to this machine is refused, and nothing reaches it', async () => {
  const { call } = calling({ lookups: [['127.0.0.1']] });
  assert.deepEqual(await call(), { error: 'address_refused' });
  assert.deepEqual(reached, []);
});

for (const addresses of [
  ['8.8.8.8', '127.0.0.1'],
  ['127.0.0.1', '8.8.8.8'],
  ['2606:4700::1', '::1'],
  ['::ffff:7f00:1'],
]) {
  test(`a name that leads to ${addresses.join(' and ')} is refused for the one that is bad`, async () => {
    const { call } = calling({ lookups: [addresses] });
    assert.deepEqual(await call(), { error: 'address_refused' });
    assert.deepEqual(reached, []);
  });
}

test('a name is looked up once for a call: what a second look would bring is not asked for', async () => {
  const { call, lookedUp } = calling({ allowedNetworks: ['127.0.0.2/32'], lookups: [['127.0.0.2'], ['127.0.0.1']] });
  assert.deepEqual(await call(), { error: 'not_connected' });
  assert.equal(lookedUp(), 1);
  assert.deepEqual(reached, []);
});

test('a name that changes is checked anew by the next call', async () => {
  const { call } = calling({ allowedNetworks: ['127.0.0.2/32'], lookups: [['127.0.0.2'], ['127.0.0.1']] });
  await call();
  assert.deepEqual(await call(), { error: 'address_refused' });
  assert.deepEqual(reached, []);
});

test('an address that is refused as it stands is not even looked up', async () => {
  const { call, lookedUp } = calling({ lookups: [['8.8.8.8']] });
  for (const host of ['127.0.0.1', '2130706433', '[::ffff:127.0.0.1]', 'localhost'])
    assert.deepEqual(await call(host), { error: 'address_refused' }, host);
  assert.equal(lookedUp(), 0);
  assert.deepEqual(reached, []);
});

test('a name that leads nowhere is told as such', async () => {
  assert.deepEqual(await calling({}).call(), { error: 'not_resolved' });
});
