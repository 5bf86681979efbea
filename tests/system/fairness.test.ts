/** Owners take turns on the whole platform, in both forms: one with many jobs does not hold up another with one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Client, createClient } from '@runlane/client';
import { onBothFormsWithKeys } from './with-keys.js';

const MANY = 400;
/** Takes a slot for a while, and no processor: what is measured is whose turn it is. */
const RESTS = 'import time\ntime.sleep(0.1)';

onBothFormsWithKeys('turns', { RUNNER_SLOTS: '2' }, (platform) => {
  async function owner(name: string): Promise<Client> {
    const { key } = await platform().admin.createKey({ name, limits: { unfinishedJobs: 10_000 } });
    return createClient({ server: platform().baseUrl, apiKey: key });
  }

  test('one with hundreds of jobs waiting holds up neither another nor its own single job', async () => {
    const [many, one] = [await owner('many'), await owner('one')];
    const batch = await many.submitBatch({ jobs: Array.from({ length: MANY }, () => ({ code: RESTS })) });
    const finished = async () => (await many.batch(batch.id)).finished;
    // Submitted as one of many is: what it is spared for is not its priority.
    const others = await one.submit({ code: RESTS, priority: 'batch' });
    const own = await many.submit({ code: RESTS });
    for (const [client, { id }] of [
      [one, others],
      [many, own],
    ] as const)
      assert.equal((await client.wait(id)).status, 'succeeded');
    const before = await finished();
    assert.ok(before < MANY / 2, `${before} of ${MANY} ended first`);
    await many.cancelBatch(batch.id);
  });

  test('a job that is put off is queued until its time', async () => {
    const client = await owner('later');
    const notBefore = new Date(Date.now() + 2_000).toISOString();
    const { id } = await client.submit({ code: 'print(1)', notBefore });
    const { status, startedAt = '', notBefore: told } = await client.wait(id);
    assert.deepEqual([status, told], ['succeeded', notBefore]);
    assert.ok(startedAt >= notBefore, `${startedAt} is before ${notBefore}`);
  });
});
