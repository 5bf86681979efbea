import assert from 'node:assert/strict';
import { test } from 'node:test';
import { banner } from './banner.js';

const FACTS = {
  host: '127.0.0.1',
  tls: false,
  needsKey: false,
  httpPort: 3000,
  grpcPort: 50051,
  workerHttpPort: 3001,
  startupMs: 1_000,
  jobs: 'data',
  queues: 'memory',
};

test('what is to be tried names a key where one is needed, and only there', () => {
  assert.doesNotMatch(banner(FACTS), /Authorization|--cacert/);
  assert.match(banner({ ...FACTS, needsKey: true }), /curl .* -H "Authorization: Bearer \$ADMIN_KEY" -H 'Content-Type/);
});

test('with TLS it says what curl may need to know', () => {
  assert.match(banner({ ...FACTS, tls: true }), /curl -s 'https:.*\n.*--cacert/);
});
