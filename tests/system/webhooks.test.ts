/** A job's end is told to its callback, whatever is killed meanwhile, and to nobody who must not be reached. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import type { DeliveriesJson, JobJson } from '@runlane/contract';
import { skipWithout, until } from '@runlane/core/testing';
import { type Platform, startDistributed, startEmbedded, temporaryFolder } from './platforms.js';
import { type Received, type Receiver, signatureOf, startReceiver } from './receiver.js';

const SECRETS = [randomBytes(24), randomBytes(32)] as const;

/** Short times, so that what has to run out runs out soon. */
const ENV = {
  WEBHOOK_SECRET: SECRETS.map((secret) => `whsec_${secret.toString('base64')}`).join(' '),
  WEBHOOKS: 'on',
  WEBHOOK_ALLOW_HTTP: '1',
  WEBHOOK_ALLOWED_NETWORKS: '127.0.0.0/8',
  WEBHOOK_RETRY_SECONDS: '0',
  WEBHOOK_TIMEOUT_SECONDS: '2',
  WEBHOOK_ATTEMPTS: '20',
  LEASE_SECONDS: '2',
  RECONCILE_SECONDS: '1',
  LOG_LEVEL: 'info',
};

let folder: string;
after(() => rm(folder, { recursive: true, force: true }));

const FORMS = [
  {
    name: 'embedded',
    skip: false as const,
    async start(env: NodeJS.ProcessEnv) {
      folder ??= await temporaryFolder();
      return startEmbedded(folder, env);
    },
  },
  {
    name: 'distributed',
    skip: skipWithout('redis-server', 'mongo-wire'),
    start: (env: NodeJS.ProcessEnv) => startDistributed({ env }),
  },
];

for (const { name, skip, start } of FORMS) {
  describe(`on the ${name} platform`, { skip }, () => {
    let platform: Platform;
    let receiver: Receiver;
    before(async () => {
      receiver = await startReceiver();
      platform = await start(ENV);
    });
    after(async () => {
      await platform?.stop();
      await receiver?.stop();
    });

    const post = (path: string, body: unknown) =>
      fetch(`${platform.baseUrl}${path}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      });
    async function submit(callbackUrl: string, more: object = {}): Promise<string> {
      const response = await post('/v1/jobs', { code: 'print("secret output")', callbackUrl, ...more });
      assert.equal(response.status, 202, await response.clone().text());
      return ((await response.json()) as JobJson).id;
    }
    async function deliveriesOf(id: string): Promise<DeliveriesJson> {
      const response = await fetch(`${platform.baseUrl}/v1/jobs/${id}/deliveries`);
      assert.equal(response.status, 200);
      return (await response.json()) as DeliveriesJson;
    }
    async function ended(id: string): Promise<DeliveriesJson> {
      await until(`${id} is told`, async () => (await deliveriesOf(id)).state !== 'pending', 30_000);
      return deliveriesOf(id);
    }
    const firstAt = (path: string): Received => {
      const [first] = receiver.at(path);
      assert.ok(first, `nothing came to ${path}`);
      return first;
    };

    test('a job is told to its callback when it has ended, signed with each secret', async () => {
      const id = await submit(receiver.url('/told'), { metadata: { exercise: '7' } });
      const { state, attempts, webhookId } = await ended(id);
      assert.equal(state, 'delivered');
      assert.deepEqual(
        attempts.map(({ statusCode }) => statusCode),
        [204],
      );
      const told = firstAt('/told');
      assert.equal(told.headers['webhook-id'], webhookId);
      assert.equal(told.headers['content-type'], 'application/json');
      assert.equal(told.headers['webhook-signature'], SECRETS.map((secret) => signatureOf(told, secret)).join(' '));
      assert.ok(Math.abs(Date.now() / 1_000 - Number(told.headers['webhook-timestamp'])) < 60);
      assert.deepEqual(told.job, await (await fetch(`${platform.baseUrl}/v1/jobs/${id}`)).json());
      assert.equal(told.job.result?.stdout, 'secret output\n');
    });
  });
}
