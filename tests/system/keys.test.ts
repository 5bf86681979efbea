/** API keys on the whole platform, in both forms: what a worker counts is what command refuses for. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { type Client, createClient, type RunlaneError } from '@runlane/client';
import { skipWithout } from '@runlane/core/testing';
import { ADMIN_KEY, type Platform, startDistributed, startEmbedded, temporaryFolder } from './platforms.js';

const AUTH = { AUTH: 'keys', ADMIN_KEY };
/** More than a second of processor time, and not much more. */
const BURN = 'import time\nwhile time.process_time() < 1.2: pass\nprint("burnt")';

const FORMS = [
  { form: 'embedded', start: (folder: string) => startEmbedded(folder, AUTH), skip: false },
  {
    form: 'distributed',
    start: () => startDistributed({ env: AUTH }),
    skip: skipWithout('redis-server', 'mongo-wire'),
  },
] as const;

for (const { form, start, skip } of FORMS) {
  describe(`keys, ${form}`, { skip }, () => {
    let folder: string;
    let platform: Platform;
    let admin: Client;
    before(async () => {
      folder = await temporaryFolder();
      platform = await start(folder);
      admin = createClient({ server: platform.baseUrl, apiKey: ADMIN_KEY });
    });
    after(async () => {
      await platform?.stop();
      await rm(folder, { recursive: true, force: true });
    });

    const as = (apiKey: string) => createClient({ server: platform.baseUrl, apiKey, retryForMs: 0 });
    const refusal = (code: string) => (error: RunlaneError) => error.code === code;

    test('a program runs for a key, and the job is the key’s alone', async () => {
      const { key, id } = await admin.createKey({ name: 'one' });
      const job = await as(key).execute({ code: 'print(6 * 7)' });
      assert.deepEqual([job.ownerId, job.result?.stdout], [id, '42\n']);
      const { key: other } = await admin.createKey({ name: 'another' });
      await assert.rejects(as(other).get(job.id), refusal('JOB_NOT_FOUND'));
      await admin.revokeKey(id);
      await assert.rejects(as(key).get(job.id), refusal('UNAUTHENTICATED'));
    });

    test('when its programs have used up the processor time of a day, no more of them are taken', async () => {
      const { key } = await admin.createKey({ name: 'of little time', limits: { cpuSecondsPerDay: 1 } });
      assert.equal((await as(key).execute({ code: BURN })).result?.stdout, 'burnt\n');
      await assert.rejects(as(key).execute({ code: 'print(1)' }), refusal('QUOTA_EXCEEDED'));
    });

    test('the next job is taken as soon as the one before has ended', async () => {
      const { key } = await admin.createKey({ name: 'one at a time', limits: { unfinishedJobs: 1 } });
      const client = as(key);
      for (let n = 0; n < 5; n += 1) assert.equal((await client.execute({ code: `print(${n})` })).status, 'succeeded');
      const running = await client.submit({ code: 'while True: pass' });
      await assert.rejects(client.submit({ code: '' }), refusal('JOB_LIMIT_REACHED'));
      await client.cancel(running.id);
      await client.wait(running.id);
      assert.equal((await client.execute({ code: 'print(1)' })).status, 'succeeded');
    });
  });
}
