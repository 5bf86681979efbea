import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, credentials } from '@grpc/grpc-js';
import { openTestDoors } from './testing/command-doors.js';

/** HealthCheckResponse { status }: 1 is SERVING, 2 NOT_SERVING. */
function healthOf(client: Client): Promise<number> {
  const asIs = (bytes: Buffer) => bytes;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest('/grpc.health.v1.Health/Check', asIs, asIs, Buffer.alloc(0), (error, answer) =>
      error ? reject(error) : resolve(answer?.[1] ?? 0),
    );
  });
}

test('told to stop, command is not ready at once, and answers everything until the time is over', async () => {
  const doors = await openTestDoors({ DRAIN_SECONDS: '1' });
  const health = new Client(`127.0.0.1:${doors.grpcPort}`, credentials.createInsecure());
  const readiness = async () => (await fetch(`${doors.baseUrl}/readyz`)).status;
  const submit = () =>
    fetch(`${doors.baseUrl}/v1/jobs`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ code: 'print(1)' }),
    });
  assert.deepEqual([await readiness(), await healthOf(health)], [200, 1]);
  assert.notEqual((await submit()).headers.get('connection'), 'close');

  const startMs = performance.now();
  const closed = doors.close();
  assert.deepEqual([await readiness(), await healthOf(health)], [503, 2]);
  const { status, headers } = await submit();
  // The next request is to go where it is well.
  assert.deepEqual([status, headers.get('connection')], [202, 'close']);
  health.close();
  await closed;
  assert.ok(performance.now() - startMs >= 1_000);
  await assert.rejects(submit());
});

test('without that time it stops at once', async () => {
  const doors = await openTestDoors();
  const startMs = performance.now();
  await doors.close();
  assert.ok(performance.now() - startMs < 2_000);
});
