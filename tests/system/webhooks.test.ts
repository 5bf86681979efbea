/** A job's end is told to its callback, whatever is killed meanwhile, and to nobody who must not be reached. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type DeliveriesJson, execution, type JobJson, type ProblemJson } from '@runlane/contract';
import { type NameServer, skipWithout, startNameServer, until } from '@runlane/core/testing';
import { Redis } from 'ioredis';
import { unary } from './doors.js';
import { type Platform, startDistributed, startEmbedded, temporaryFolder } from './platforms.js';
import { freePort, isAlive, memberOf, pidOf } from './processes.js';
import { answer, type Received, type Receiver, signatureOf, startReceiver } from './receiver.js';

const SECRETS = [randomBytes(24), randomBytes(32)] as const;

/** Short times, so that what has to run out runs out soon. */
const ENV = {
  WEBHOOK_SECRET: SECRETS.map((secret) => `whsec_${secret.toString('base64')}`).join(' '),
  WEBHOOKS: 'on',
  WEBHOOK_ALLOW_HTTP: '1',
  WEBHOOK_RETRY_SECONDS: '0',
  WEBHOOK_TIMEOUT_SECONDS: '2',
  WEBHOOK_ATTEMPTS: '100',
  // One for each receiver.
  WEBHOOK_CONCURRENCY: '4',
  LEASE_SECONDS: '2',
  RECONCILE_SECONDS: '1',
  LOG_LEVEL: 'info',
};
/** Workers are killed at a moment that is hard to meet from outside. */
const DIES_BEFORE_TELLING = fileURLToPath(new URL('../../system/dies-before-telling.mjs', import.meta.url));
const LOOPBACK_ALLOWED = { WEBHOOK_ALLOWED_NETWORKS: '127.0.0.0/8' };

const folder = await temporaryFolder();
after(() => rm(folder, { recursive: true, force: true }));

const FORMS = [
  {
    name: 'embedded',
    skip: false as const,
    start: async (env: NodeJS.ProcessEnv) =>
      // What is killed there comes back where it was.
      startEmbedded(folder, { ...env, HTTP_PORT: `${await freePort()}`, GRPC_PORT: `${await freePort()}` }),
  },
  {
    name: 'distributed',
    skip: skipWithout('redis-server', 'mongo-wire'),
    start: (env: NodeJS.ProcessEnv) => startDistributed({ env }),
  },
];

/** Asking a platform as its clients do. */
function asking({ baseUrl }: Pick<Platform, 'baseUrl'>) {
  const post = (path: string, body: unknown) =>
    fetch(`${baseUrl}${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
  async function deliveriesOf(id: string): Promise<DeliveriesJson> {
    const response = await fetch(`${baseUrl}/v1/jobs/${id}/deliveries`);
    assert.equal(response.status, 200, await response.clone().text());
    return (await response.json()) as DeliveriesJson;
  }
  return {
    post,
    deliveriesOf,
    job: async (id: string) => (await (await fetch(`${baseUrl}/v1/jobs/${id}`)).json()) as JobJson,
    async submit(callbackUrl: string, more: object = {}): Promise<string> {
      const response = await post('/v1/jobs', { code: 'print("what nobody logs")', callbackUrl, ...more });
      assert.equal(response.status, 202, await response.clone().text());
      return ((await response.json()) as JobJson).id;
    },
    /** Once it is told, or given up. A platform that was killed does not answer for a while. */
    async ended(id: string, timeoutMs = 40_000): Promise<DeliveriesJson> {
      const isOver = () => deliveriesOf(id).then(({ state }) => state !== 'pending');
      await until(`${id} is told`, () => isOver().catch(() => false), timeoutMs);
      return deliveriesOf(id);
    },
  };
}

const statuses = ({ attempts }: DeliveriesJson) => attempts.map(({ statusCode, error }) => statusCode ?? error);

/** Kill the process that is calling somebody now. */
async function killCaller(platform: Platform): Promise<void> {
  if (platform.form === 'embedded')
    return void process.kill(memberOf(platform, 'standalone/dist/platform.js'), 'SIGKILL');
  const calls = await Promise.all(
    platform.workerUrls.map(async (url) => {
      // Of one that was killed before there is nothing to be had.
      const text = await fetch(`${url}/metrics`).then(
        (response) => response.text(),
        () => '',
      );
      return /^runlane_callback_calls_under_way 1$/m.test(text);
    }),
  );
  const caller = platform.processes[`worker${calls.indexOf(true) + 1}`];
  assert.ok(caller, 'no worker is calling');
  process.kill(pidOf(caller), 'SIGKILL');
}

/** The processes that hold a worker and live. */
function workersOf({ form, processes, ...platform }: Platform): number[] {
  if (form === 'embedded') return [memberOf({ form, processes, ...platform }, 'standalone/dist/platform.js')];
  const workers = Object.entries(processes).filter(([name]) => name.startsWith('worker'));
  return workers.map(([, worker]) => pidOf(worker)).filter(isAlive);
}

for (const { name, skip, start } of FORMS) {
  describe(`on the ${name} platform, callbacks`, { skip }, () => {
    let platform: Platform;
    let receiver: Receiver;
    let slow: Receiver;
    let ask: ReturnType<typeof asking>;
    before(async () => {
      [receiver, slow] = await Promise.all([startReceiver(), startReceiver()]);
      platform = await start({ ...ENV, ...LOOPBACK_ALLOWED, NODE_OPTIONS: `--import=${DIES_BEFORE_TELLING}` });
      ask = asking(platform);
    });
    after(async () => {
      await platform?.stop();
      await receiver?.stop();
      await slow?.stop();
    });

    const firstAt = (path: string): Received => {
      const [first] = receiver.at(path);
      assert.ok(first, `nothing came to ${path}`);
      return first;
    };
    const idsAt = (path: string) => [...new Set(receiver.at(path).map(({ headers }) => headers['webhook-id']))];

    test('are told a job when it has ended, signed with each secret', async () => {
      const id = await ask.submit(receiver.url('/told?token=confidential'), { metadata: { exercise: '7' } });
      const deliveries = await ask.ended(id);
      assert.deepEqual([deliveries.state, statuses(deliveries)], ['delivered', [204]]);
      const told = firstAt('/told?token=confidential');
      assert.equal(told.headers['webhook-id'], deliveries.webhookId);
      assert.equal(told.headers['content-type'], 'application/json');
      assert.equal(told.headers['webhook-signature'], SECRETS.map((secret) => signatureOf(told, secret)).join(' '));
      assert.ok(Math.abs(Date.now() / 1_000 - Number(told.headers['webhook-timestamp'])) < 60);
      assert.deepEqual(told.job, await ask.job(id));
      assert.equal(told.job.result?.stdout, 'what nobody logs\n');
    });

    test('are told over gRPC, of jobs of batches, and of jobs that were cancelled, too', async () => {
      const program = { code: 'print(1)', callbackUrl: receiver.url('/grpc') };
      const request = execution.SubmitRequest.fromPartial({ program });
      const { job } = await unary<execution.SubmitResponse>((done) => platform.client.submit(request, done));
      const response = await ask.post('/v1/batches', {
        jobs: [{ code: 'print(2)', callbackUrl: receiver.url('/batch') }, { code: 'print(3)' }],
      });
      const { jobs } = (await response.json()) as { jobs: { id: string }[] };
      const cancelled = await ask.submit(receiver.url('/cancelled'), { code: 'import time; time.sleep(9)' });
      await ask.post(`/v1/jobs/${cancelled}/cancel`, {});
      for (const [id, path, status] of [
        [job?.id ?? '', '/grpc', 'succeeded'],
        [jobs[0]?.id ?? '', '/batch', 'succeeded'],
        [cancelled, '/cancelled', 'cancelled'],
      ] as const) {
        assert.equal((await ask.ended(id)).state, 'delivered');
        assert.deepEqual([firstAt(path).job.id, firstAt(path).job.status], [id, status]);
      }
    });

    test('are told again, with the same id, until they take it', async () => {
      receiver.on('/fails', (response, n) => response.writeHead(n < 3 ? 500 : 200).end('what nobody logs either'));
      const deliveries = await ask.ended(await ask.submit(receiver.url('/fails')));
      assert.deepEqual(statuses(deliveries), [500, 500, 200]);
      assert.deepEqual(idsAt('/fails'), [deliveries.webhookId]);
    });

    test('that redirect are not followed, and that are gone are told no more', async () => {
      const second = await startReceiver();
      receiver.on('/moved', (response, n) =>
        (n === 1 ? answer(307, { location: second.url('/') }) : answer(410))(response, n),
      );
      const deliveries = await ask.ended(await ask.submit(receiver.url('/moved')));
      await second.stop();
      assert.deepEqual([deliveries.state, statuses(deliveries)], ['gone', [307, 410]]);
      assert.deepEqual(second.received, []);
    });

    test('that are away are told when they are back', async () => {
      const away = await startReceiver();
      await away.stop();
      const id = await ask.submit(away.url('/back'));
      await until(
        'it was tried',
        async () => (await ask.deliveriesOf(id)).attempts.some(({ endedAt }) => endedAt),
        30_000,
      );
      const back = await startReceiver(away.port);
      const deliveries = await ask.ended(id);
      await back.stop();
      assert.deepEqual([deliveries.state, statuses(deliveries)[0]], ['delivered', 'not_connected']);
      assert.equal(back.received[0]?.job.id, id);
    });

    test('that are slow keep nobody else waiting, and are told in the end', async () => {
      slow.on('/', () => {});
      const ids: string[] = [];
      for (let n = 0; n < 20; n += 1) ids.push(await ask.submit(slow.url('/')));
      const allEnded = async () => (await Promise.all(ids.map(ask.job))).every(({ result }) => result);
      await until('all have ended', allEnded, 60_000);
      const id = await ask.submit(receiver.url('/quick'));
      await until('it ended', async () => (await ask.job(id)).result !== undefined, 30_000);
      // In their turn, four at once, the slow ones would take 10 s.
      assert.equal((await ask.ended(id, 5_000)).state, 'delivered');
      slow.on('/', answer(200));
      for (const each of ids) assert.equal((await ask.ended(each, 60_000)).state, 'delivered');
    });

    test('are told though the worker is killed between storing the result and telling it', async () => {
      const before = workersOf(platform);
      const id = await ask.submit(receiver.url('/dies'));
      const deliveries = await ask.ended(id, 60_000);
      assert.deepEqual([deliveries.state, statuses(deliveries)], ['delivered', [204]]);
      assert.notDeepEqual(workersOf(platform), before, 'control: it was not killed');
    });

    test('are told though the process that was calling them is killed', async () => {
      receiver.on('/held', (response, n) => {
        // Whoever called first hears nothing, and is gone before it could say so.
        if (n > 1) response.writeHead(200).end();
      });
      const id = await ask.submit(receiver.url('/held'));
      await until('it is called', () => receiver.at('/held').length === 1, 30_000);
      await killCaller(platform);
      const deliveries = await ask.ended(id, 60_000);
      assert.deepEqual([deliveries.state, statuses(deliveries)], ['delivered', ['lost', 200]]);
      assert.deepEqual(idsAt('/held'), [deliveries.webhookId]);
    });

    test('are told though the queue was emptied, and not before they asked to be', async () => {
      receiver.on('/later', (response, n) =>
        (n === 1 ? answer(503, { 'retry-after': '3' }) : answer(200))(response, n),
      );
      const id = await ask.submit(receiver.url('/later'));
      await until('it was tried', async () => (await ask.deliveriesOf(id)).nextAttemptAt !== undefined, 30_000);
      if (platform.redis) {
        const redis = new Redis(platform.redis.url);
        await redis.flushall();
        redis.disconnect();
      } else await killCaller(platform);
      const { attempts, state } = await ask.ended(id, 60_000);
      assert.equal(state, 'delivered');
      const [first, second] = attempts.map(({ startedAt }) => Date.parse(startedAt));
      assert.ok((second ?? 0) - (first ?? 0) >= 3_000);
    });

    test('and what programs write, and receivers answer, and where they are, is in no log', () => {
      const logs = Object.values(platform.processes).flatMap(({ log }) => log);
      assert.ok(logs.length > 0);
      for (const line of logs) assert.doesNotMatch(line, /what nobody logs|confidential|whsec_/);
    });
  });

  describe(`on the ${name} platform, where no other network is allowed`, { skip }, () => {
    let platform: Platform;
    let receiver: Receiver;
    let names: NameServer;
    let ask: ReturnType<typeof asking>;
    before(async () => {
      [receiver, names] = await Promise.all([startReceiver(), startNameServer()]);
      // The name server of the processes, as /etc/resolv.conf is that of the machine.
      const script = `import dns from 'node:dns'; dns.setServers(['${names.address}']);`;
      const preload = `data:text/javascript,${encodeURIComponent(script).replaceAll("'", '%27')}`;
      platform = await start({ ...ENV, WEBHOOK_ATTEMPTS: '2', NODE_OPTIONS: `--import=${preload}` });
      ask = asking(platform);
    });
    after(async () => {
      await platform?.stop();
      await receiver?.stop();
      names?.stop();
    });

    test('addresses of this machine are refused when they are submitted, however they are written', async () => {
      for (const host of ['127.0.0.1', 'localhost', '2130706433', '0x7f.1', '[::1]', '[::ffff:127.0.0.1]', '0']) {
        const response = await ask.post('/v1/jobs', { code: '', callbackUrl: `http://${host}:${receiver.port}/` });
        const { errors } = (await response.json()) as ProblemJson;
        assert.deepEqual([response.status, errors?.map(({ field }) => field)], [400, ['callbackUrl']], host);
      }
      assert.deepEqual(receiver.received, []);
    });

    for (const [host, addresses] of [
      ['loopback.example', ['127.0.0.1']],
      ['mapped.example', ['::ffff:7f00:1']],
      ['mixed.example', ['192.88.98.1', '127.0.0.1']],
    ] as const) {
      test(`a name that leads to ${addresses.join(' and ')} is refused when it is called`, async () => {
        names.names.set(host, addresses);
        const deliveries = await ask.ended(await ask.submit(`http://${host}:${receiver.port}/`));
        assert.deepEqual(
          [deliveries.state, statuses(deliveries)],
          ['given_up', ['address_refused', 'address_refused']],
        );
        assert.ok(names.asked.includes(host));
        assert.deepEqual(receiver.received, []);
      });
    }
  });
}
