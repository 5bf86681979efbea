import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkOpenness } from './openness.js';
import { openTestDoors } from './testing/command-doors.js';

test('addresses of this machine alone are listened on without a word', () => {
  for (const host of ['127.0.0.1', '127.8.9.10', '::1', 'localhost', 'LOCALHOST', '::ffff:127.0.0.1'])
    checkOpenness(host, undefined);
});

test('others are refused with what to do, and listened on where that is meant', () => {
  for (const host of ['0.0.0.0', '::', '10.0.0.1', '169.254.1.1', 'fe80::1', '128.0.0.1', 'localhost.example', '']) {
    assert.throws(() => checkOpenness(host, undefined), /HOST.*127\.0\.0\.1.*AUTH=none/);
    checkOpenness(host, 'none');
  }
});

test('command does not start where others may reach it', async () => {
  await assert.rejects(openTestDoors({ HOST: '0.0.0.0' }), /AUTH=none/);
  const doors = await openTestDoors({ HOST: '0.0.0.0', AUTH: 'none' });
  assert.equal((await fetch(`${doors.baseUrl}/healthz`)).status, 200);
  await doors.close();
});
