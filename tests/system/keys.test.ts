/** API keys on the whole platform, in both forms: what a worker counts is what command refuses for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClient, type RunlaneError } from '@runlane/client';
import { onBothFormsWithKeys } from './with-keys.js';

/** More than a second of processor time, and not much more. */
const BURN = 'import time\nwhile time.process_time() < 1.2: pass\nprint("burnt")';

onBothFormsWithKeys('keys', {}, (platform) => {
  const as = (apiKey: string) => createClient({ server: platform().baseUrl, apiKey, retryForMs: 0 });
  const refusal = (code: string) => (error: RunlaneError) => error.code === code;

  test('a program runs for a key, and the job is the key’s alone', async () => {
    const { key, id } = await platform().admin.createKey({ name: 'one' });
    const job = await as(key).execute({ code: 'print(6 * 7)' });
    assert.deepEqual([job.ownerId, job.result?.stdout], [id, '42\n']);
    const { key: other } = await platform().admin.createKey({ name: 'another' });
    await assert.rejects(as(other).get(job.id), refusal('JOB_NOT_FOUND'));
    await platform().admin.revokeKey(id);
    await assert.rejects(as(key).get(job.id), refusal('UNAUTHENTICATED'));
  });

  test('when its programs have used up the processor time of a day, no more of them are taken', async () => {
    const { key } = await platform().admin.createKey({ name: 'of little time', limits: { cpuSecondsPerDay: 1 } });
    assert.equal((await as(key).execute({ code: BURN })).result?.stdout, 'burnt\n');
    await assert.rejects(as(key).execute({ code: 'print(1)' }), refusal('QUOTA_EXCEEDED'));
  });

  test('the next job is taken as soon as the one before has ended', async () => {
    const { key } = await platform().admin.createKey({ name: 'one at a time', limits: { unfinishedJobs: 1 } });
    const client = as(key);
    for (let n = 0; n < 5; n += 1) assert.equal((await client.execute({ code: `print(${n})` })).status, 'succeeded');
    const running = await client.submit({ code: 'while True: pass' });
    await assert.rejects(client.submit({ code: '' }), refusal('JOB_LIMIT_REACHED'));
    await client.cancel(running.id);
    await client.wait(running.id);
    assert.equal((await client.execute({ code: 'print(1)' })).status, 'succeeded');
  });
});
