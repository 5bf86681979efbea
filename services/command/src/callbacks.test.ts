/** A callback as the doors take it, refuse it, and tell of it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type DeliveriesJson, execution, type JobJson, type ProblemJson } from '@runlane/contract';
import { aJob, aResult, until } from '@runlane/core/testing';
import { openTestDoors, type TestDoors } from './testing/command-doors.js';

const callbackUrl = 'https://example.org/hook?token=x';

let doors: TestDoors;
let closed: TestDoors;
before(async () => {
  doors = await openTestDoors({ WEBHOOKS: 'on' });
  closed = await openTestDoors();
});
after(async () => {
  await doors.close();
  await closed.close();
});

const post = (path: string, body: unknown, { baseUrl } = doors) =>
  fetch(`${baseUrl}${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
async function errorsOf(response: Response): Promise<[string, string][]> {
  assert.equal(response.status, 400, await response.clone().text());
  const { errors = [] } = (await response.json()) as ProblemJson;
  return errors.map(({ field, reason }) => [field, reason]);
}
const submitOverGrpc = (program: object, { client } = doors) =>
  new Promise<execution.SubmitResponse>((resolve, reject) => {
    const request = execution.SubmitRequest.fromPartial({ program });
    client.submit(request, (error, response) => (error ? reject(error) : resolve(response)));
  });
const deliveriesOf = async (id: string) => fetch(`${doors.baseUrl}/v1/jobs/${id}/deliveries`);

test('a callback is kept with its job, through both doors and in batches, and its end is owed', async () => {
  const overRest = (await (await post('/v1/jobs', { code: 'x', callbackUrl })).json()) as JobJson;
  const overGrpc = (await submitOverGrpc({ code: 'x', callbackUrl })).job?.id ?? '';
  const batch = await post('/v1/batches', { jobs: [{ code: 'x', callbackUrl }, { code: 'x' }] });
  const { jobs } = (await batch.json()) as { jobs: { id: string }[] };
  const { store } = doors.ports;
  const ids = [overRest.id, overGrpc, ...jobs.map(({ id }) => id)];
  assert.deepEqual(await Promise.all(ids.map(async (id) => (await store.callbacks.calledFor(id))?.url)), [
    callbackUrl,
    callbackUrl,
    callbackUrl,
    undefined,
  ]);
  assert.deepEqual(await Promise.all(ids.map(store.callbacks.isOwed)), [true, true, true, false]);
  // Listings and other readers of a job are not told where it is posted to.
  assert.ok(!JSON.stringify(overRest).includes('token'));
});

test('without a secret a callback is refused, with what to set', async () => {
  const [[field, reason] = []] = await errorsOf(await post('/v1/jobs', { code: 'x', callbackUrl }, closed));
  assert.equal(field, 'callbackUrl');
  assert.match(reason ?? '', /WEBHOOK_SECRET/);
  await assert.rejects(submitOverGrpc({ code: 'x', callbackUrl }, closed), /callbackUrl: .*WEBHOOK_SECRET/);
  assert.equal(await closed.ports.store.inFlightCount(), 0);
});

for (const [what, bad, why] of [
  ['no address', 'example.org', /absolute/],
  ['another scheme', 'gopher://example.org/', /https/],
  ['http', 'http://example.org/', /WEBHOOK_ALLOW_HTTP/],
  ['a password', 'https://user:pass@example.org/', /password/],
  ['a fragment', 'https://example.org/#x', /fragment/],
  ['this machine', 'https://127.0.0.1:6379/', /WEBHOOK_ALLOWED_NETWORKS/],
  ['this machine in disguise', 'https://0x7f.1/', /WEBHOOK_ALLOWED_NETWORKS/],
  ['the metadata of a cloud', 'https://169.254.169.254/', /WEBHOOK_ALLOWED_NETWORKS/],
  ['a number', 7, /must be a text/],
] as const) {
  test(`a callback is refused by name: ${what}`, async () => {
    const errors = await errorsOf(await post('/v1/jobs', { code: 'x', callbackUrl: bad, version: 'no such' }));
    assert.deepEqual(errors.map(([field]) => field).toSorted(), ['callbackUrl', 'version']);
    assert.match(errors.find(([field]) => field === 'callbackUrl')?.[1] ?? '', why);
    const inBatch = await errorsOf(
      await post('/v1/batches', { jobs: [{ code: 'x' }, { code: 'x', callbackUrl: bad }] }),
    );
    assert.deepEqual(
      inBatch.map(([field]) => field),
      ['jobs[1].callbackUrl'],
    );
  });
}

test('a job that is cancelled before anybody runs it is delivered to its callback', async () => {
  const { id } = (await (await post('/v1/jobs', { code: 'x', callbackUrl })).json()) as JobJson;
  await post(`/v1/jobs/${id}/cancel`, {});
  const { openQueue } = doors.ports;
  assert.ok(openQueue.kind === 'embedded');
  assert.ok(openQueue.queue.deliveries('callback').waiting.some((delivery) => delivery.id === id));
});

test('how deliveries go is told call by call', async () => {
  const { store } = doors.ports;
  const job = aJob({ callbackUrl });
  await store.insert(job);
  await store.finish(job.id, 1, aResult());
  const terms = { workerId: 'w', leaseMs: 0, maxCalls: 3 };
  const begin = async () => {
    const asked = await store.callbacks.begin(job.id, terms);
    assert.ok(asked.outcome === 'begun');
    return asked.call;
  };
  await store.callbacks.end(await begin(), { statusCode: 500, nextAtMs: 1 });
  await begin();
  await until(
    'it counts as lost',
    async () => ((await (await deliveriesOf(job.id)).json()) as DeliveriesJson).attempts[1]?.error === 'lost',
  );
  await store.callbacks.end(await begin(), { error: 'timed_out', nextAtMs: 2_000_000_000_000 });
  const told = (await (await deliveriesOf(job.id)).json()) as DeliveriesJson;
  assert.deepEqual(
    told.attempts.map(({ statusCode, error }) => statusCode ?? error),
    [500, 'lost', 'timed_out'],
  );
  assert.deepEqual(
    [told.webhookId, told.callbackUrl, told.state, told.nextAttemptAt],
    [`msg_${job.id}`, callbackUrl, 'pending', '2033-05-18T03:33:20.000Z'],
  );
  await store.callbacks.conclude(job.id, 'given_up', 3);
  const { state, nextAttemptAt } = (await (await deliveriesOf(job.id)).json()) as DeliveriesJson;
  assert.deepEqual([state, nextAttemptAt], ['given_up', undefined]);
});

test("deliveries of a job that is another's, unknown or without a callback are not found", async () => {
  const [another, silent] = [aJob({ callbackUrl, ownerId: 'another' }), aJob()];
  for (const job of [another, silent]) await doors.ports.store.insert(job);
  for (const [id, code] of [
    [another.id, 'JOB_NOT_FOUND'],
    [aJob().id, 'JOB_NOT_FOUND'],
    [silent.id, 'NOT_FOUND'],
  ] as const) {
    const response = await deliveriesOf(id);
    assert.equal(response.status, 404);
    assert.equal(((await response.json()) as ProblemJson).code, code);
  }
});

test('the queue of callbacks is on the board beside the others', async () => {
  const response = await fetch(`${doors.baseUrl}/admin/queues/api/queues`);
  const { queues } = (await response.json()) as { queues: { name: string }[] };
  assert.deepEqual(
    queues.map(({ name }) => name),
    ['code-save', 'code-exec', 'code-callback'],
  );
});
