/** Batches through both doors: what is refused, what is accepted as a whole, what is told, and how one is ended. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ServiceError, status } from '@grpc/grpc-js';
import { type BatchJson, ERRORS, execution, type JobJson, type ProblemJson, types } from '@runlane/contract';
import { aResult, until } from '@runlane/core/testing';
import { openTestDoors, type TestDoors } from './testing/command-doors.js';

let doors: TestDoors;
let client: execution.ExecutionServiceClient;
before(async () => {
  doors = await openTestDoors();
  client = doors.client;
});
after(() => doors.close());

const UNKNOWN = '01890a5d-ac96-774b-bcce-b302099a8057';
const manyJobs = (count: number) => Array.from({ length: count }, (_, n) => ({ code: `print(${n})` }));

const post = (body: unknown, headers: Record<string, string> = {}, { baseUrl } = doors) =>
  fetch(`${baseUrl}/v1/batches`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'Content-Type': 'application/json', ...headers },
  });

async function accepted(response: Response): Promise<BatchJson> {
  const text = await response.text();
  assert.equal(response.status, 202, text);
  return JSON.parse(text) as BatchJson;
}

async function problemOf(response: Response, code: keyof typeof ERRORS): Promise<ProblemJson> {
  const text = await response.text();
  assert.equal(response.status, ERRORS[code].http, text);
  const problem = JSON.parse(text) as ProblemJson;
  assert.equal(problem.code, code);
  return problem;
}

const get = async (id: string) => (await (await fetch(`${doors.baseUrl}/v1/batches/${id}`)).json()) as BatchJson;

/** What is wrong with a batch that changes nothing in the store. */
async function changesNothing(work: () => Promise<void>): Promise<void> {
  const before = await doors.ports.store.inFlightCount();
  await work();
  assert.equal(await doors.ports.store.inFlightCount(), before);
}

const BAD_BATCHES: readonly (readonly [name: string, body: unknown, ...fields: string[]])[] = [
  ['nothing', {}, 'jobs'],
  ['no jobs', { jobs: [] }, 'jobs'],
  ['jobs that are no list', { jobs: { code: '1' } }, 'jobs'],
  ['one job too many', { jobs: manyJobs(1_001) }, 'jobs'],
  ['an unknown field', { jobs: manyJobs(1), name: 'x' }, 'name'],
  ['a job that is none', { jobs: [...manyJobs(2), 'print(1)'] }, 'jobs[2]'],
  ['a bad field of a job', { jobs: [...manyJobs(3), { code: 7 }] }, 'jobs[3].code'],
  ['a bad path', { jobs: [{ files: [{ path: '../x', content: '' }] }] }, 'jobs[0].files[0].path'],
  ['an unknown language', { jobs: [...manyJobs(2), { code: '', language: 'cobol' }] }, 'jobs[2].language'],
  ['a limit that is too high', { jobs: [{ code: '', limits: { wallTimeMs: 60_001 } }] }, 'jobs[0].limits.wallTimeMs'],
  [
    'bad fields of several jobs, whatever decides them',
    { jobs: [{ code: '1', colour: 'red' }, { code: '1' }, { code: '1', language: 'cobol' }, {}] },
    'jobs[0].colour',
    'jobs[2].language',
    'jobs[3].code',
  ],
];

for (const [name, body, ...fields] of BAD_BATCHES) {
  test(`a batch with ${name} is refused by name`, () =>
    changesNothing(async () => {
      const { errors = [] } = await problemOf(await post(body), 'INVALID_REQUEST');
      assert.deepEqual(errors.map(({ field }) => field).toSorted(), fields.toSorted());
      for (const { reason } of errors) assert.ok(reason.length > 5);
    }));
}

test('of very many bad fields a hundred are named', () =>
  changesNothing(async () => {
    const { errors, detail } = await problemOf(
      await post({ jobs: Array(1_000).fill({ code: 1, limits: { openFiles: 0 } }) }),
      'INVALID_REQUEST',
    );
    assert.equal(errors?.length, 100);
    assert.ok(detail.length <= 2_000);
  }));

test('a batch may be larger than a job, up to a limit of its own', () =>
  changesNothing(async () => {
    const megabytes = (count: number) => ({ jobs: Array(4 * count).fill({ code: `#${'x'.repeat(262_000)}` }) });
    await problemOf(await post({ jobs: Array(4 * 17).fill({ code: 'x'.repeat(262_000) }) }), 'PAYLOAD_TOO_LARGE');
    await problemOf(await post(`{"jobs": [${'{},'.repeat(110_000)}{}]}`), 'INVALID_REQUEST');
    const { id } = await accepted(await post(megabytes(10)));
    await fetch(`${doors.baseUrl}/v1/batches/${id}/cancel`, { method: 'POST' });
  }));

test('what there is not, and what is no id, is said of batches as of jobs', async () => {
  const at = (path: string, init?: RequestInit) => fetch(`${doors.baseUrl}/v1/batches/${path}`, init);
  for (const path of [UNKNOWN, `${UNKNOWN}/events`]) await problemOf(await at(path), 'BATCH_NOT_FOUND');
  await problemOf(await at(`${UNKNOWN}/cancel`, { method: 'POST' }), 'BATCH_NOT_FOUND');
  await problemOf(await at(`${UNKNOWN}/events`, { headers: { 'Last-Event-ID': 'done' } }), 'BATCH_NOT_FOUND');
  await problemOf(await at(`${UNKNOWN}/events`, { headers: { 'Last-Event-ID': '1-7' } }), 'INVALID_REQUEST');
  await problemOf(await at('x'), 'INVALID_REQUEST');
  const wrong = await fetch(`${doors.baseUrl}/v1/batches`);
  assert.equal(wrong.headers.get('Allow'), 'POST');
  await problemOf(wrong, 'METHOD_NOT_ALLOWED');
});

test('a batch fits as a whole or is refused as a whole', async () => {
  const small = await openTestDoors({ MAX_QUEUED_JOBS: '10' });
  try {
    await accepted(await post({ jobs: manyJobs(6) }, {}, small));
    const full = await post({ jobs: manyJobs(5) }, {}, small);
    assert.equal(full.headers.get('Retry-After'), '5');
    await problemOf(full, 'QUEUE_FULL');
    assert.equal(await small.ports.store.inFlightCount(), 6);
    const { detail } = await problemOf(await post({ jobs: manyJobs(11) }, {}, small), 'INVALID_REQUEST');
    assert.match(detail, /^jobs: must have at most 10 jobs.*smaller batches/);
    await accepted(await post({ jobs: manyJobs(4) }, {}, small));
  } finally {
    await small.close();
  }
});

test('a thousand jobs are accepted, in order, each the batch’s and its own', async () => {
  const response = await post({
    jobs: manyJobs(1_000).map((job, n) => ({ ...job, metadata: { n: String(n) } })),
    metadata: { 'a.b': '$c' },
  });
  const location = response.headers.get('Location');
  const batch = await accepted(response);
  assert.equal(location, `/v1/batches/${batch.id}`);
  assert.deepEqual(
    { ...batch, id: '', createdAt: '', jobs: [] },
    {
      id: '',
      ownerId: 'anonymous',
      createdAt: '',
      total: 1_000,
      finished: 0,
      counts: { accepted: 1_000 },
      jobs: [],
      metadata: { 'a.b': '$c' },
    },
  );
  assert.deepEqual(await get(batch.id), batch);
  for (const n of [0, 7, 999]) {
    const job = (await (await fetch(`${doors.baseUrl}/v1/jobs/${batch.jobs[n]?.id}`)).json()) as JobJson;
    assert.deepEqual([job.batchId, job.metadata], [batch.id, { n: String(n) }]);
  }
  await fetch(`${doors.baseUrl}/v1/batches/${batch.id}/cancel`, { method: 'POST' });
});

test('the same key gives the same batch, and with other jobs a refusal', async () => {
  const key = { 'Idempotency-Key': 'batch' };
  const first = await accepted(await post({ jobs: manyJobs(3) }, key));
  await doors.ports.store.finish(first.jobs[0]?.id ?? '', 1, aResult());
  const again = await post({ jobs: manyJobs(3) }, key);
  assert.equal(again.headers.get('Idempotency-Replayed'), 'true');
  const replayed = await accepted(again);
  assert.deepEqual([replayed.id, replayed.finished], [first.id, 1]);
  await problemOf(await post({ jobs: manyJobs(2) }, key), 'IDEMPOTENCY_MISMATCH');
  await problemOf(await post({ jobs: manyJobs(3), metadata: { a: 'b' } }, key), 'IDEMPOTENCY_MISMATCH');
  const job = await fetch(`${doors.baseUrl}/v1/jobs`, {
    method: 'POST',
    body: '{"code": "print(0)"}',
    headers: { 'Content-Type': 'application/json', ...key },
  });
  await problemOf(job, 'IDEMPOTENCY_MISMATCH');
  await problemOf(await post({ jobs: manyJobs(1) }, { 'Idempotency-Key': 'a b' }), 'INVALID_REQUEST');
});

test('of many requests with the same key at the same time, all get the same batch or are told to try again', async () => {
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => post({ jobs: manyJobs(120) }, { 'Idempotency-Key': 'at-once' })),
  );
  const ids = new Set<string>();
  for (const answer of answers) {
    if (answer.status === 202) ids.add((await accepted(answer)).id);
    else await problemOf(answer, 'IDEMPOTENCY_IN_FLIGHT');
  }
  assert.equal(ids.size, 1);
});

interface Told {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: Record<string, unknown>;
}

async function* told(id: string): AsyncGenerator<Told> {
  const response = await fetch(`${doors.baseUrl}/v1/batches/${id}/events`);
  assert.match(response.headers.get('Content-Type') ?? '', /^text\/event-stream/);
  assert.ok(response.body);
  let text = '';
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const [, eventId, event, data] = /^(?:id: (.*)\n)?event: (.*)\ndata: (.*)$/.exec(block) ?? [];
      yield { id: eventId, event: event ?? '', data: JSON.parse(data ?? '') };
    }
  }
}

test('a watcher is told how each job ended, in that order, how far the batch is, and the batch last', async () => {
  const { store } = doors.ports;
  const { id, jobs } = await accepted(await post({ jobs: manyJobs(3) }));
  const ids = jobs.map((job) => job.id) as [string, string, string];
  await store.finish(ids[2], 1, aResult('failed'));
  const events: Told[] = [];
  for await (const event of told(id)) {
    events.push(event);
    const progress = events.filter((each) => each.event === 'progress').length;
    if (event.event === 'progress' && progress === 1) await store.finish(ids[0], 1, aResult());
    if (event.event === 'progress' && progress === 2) await store.finish(ids[1], 1, aResult('timed_out'));
  }
  const ended = (index: number, how: string) => ({ index, id: ids[index], status: how });
  const progress = (finished: number, counts: object) => ({ total: 3, finished, counts });
  assert.deepEqual(
    events.slice(0, -1).map(({ data }) => data),
    [
      ended(2, 'failed'),
      progress(1, { accepted: 2, failed: 1 }),
      ended(0, 'succeeded'),
      progress(2, { succeeded: 1, accepted: 1, failed: 1 }),
      ended(1, 'timed_out'),
      progress(3, { succeeded: 1, timed_out: 1, failed: 1 }),
    ],
  );
  const done = events.at(-1);
  assert.deepEqual([done?.id, done?.event], ['done', 'done']);
  assert.deepEqual(done?.data, await get(id));
  assert.ok(Date.parse(String(done?.data.finishedAt)) >= Date.parse(String(done?.data.createdAt)));
  assert.ok(events.slice(0, -1).every((event) => event.id === undefined));

  // Who comes back begins anew, and after the end gets nothing more.
  const again: Told[] = [];
  for await (const event of told(id)) again.push(event);
  assert.deepEqual(
    again.map(({ event, data }) => [event, data.index]),
    [
      ['job', 2],
      ['job', 0],
      ['job', 1],
      ['progress', undefined],
      ['done', undefined],
    ],
  );
  const over = await fetch(`${doors.baseUrl}/v1/batches/${id}/events`, { headers: { 'Last-Event-ID': 'done' } });
  assert.equal(over.status, 204);
});

test('a batch is cancelled: what waits ends, what has ended stays, what runs is told', async () => {
  const { store, feed } = doors.ports;
  const { id, jobs } = await accepted(await post({ jobs: manyJobs(120) }));
  const ids = jobs.map((job) => job.id) as [string, string];
  await store.finish(ids[0], 1, aResult());
  await store.markSaved(ids[1], { artifactDigest: 'd' });
  assert.equal((await store.claim(ids[1], 'exec', 'w')).outcome, 'claimed');
  let isTold = false;
  const deaf = feed.onWish(ids[1], () => {
    isTold = true;
  });
  const response = await fetch(`${doors.baseUrl}/v1/batches/${id}/cancel`, { method: 'POST' });
  await accepted(response);
  await until('all that waited have ended', async () => (await get(id)).finished === 119);
  assert.deepEqual((await get(id)).counts, { succeeded: 1, running: 1, cancelled: 118 });
  assert.ok(isTold);
  assert.ok(await store.isCancelled(ids[1]));
  deaf();
  await store.finish(ids[1], 1, aResult('cancelled'));
  assert.ok((await get(id)).finishedAt);
});

test('over gRPC, a batch is submitted, looked at, watched and cancelled as over REST', async () => {
  const call = <T>(make: (done: (error: ServiceError | null, response: T) => void) => unknown) =>
    new Promise<T>((resolve, reject) => {
      make((error, response) => (error ? reject(error) : resolve(response)));
    });
  const request = execution.SubmitBatchRequest.fromPartial({
    jobs: manyJobs(3),
    metadata: { a: 'b' },
    idempotencyKey: 'grpc-batch',
  });
  const submit = () => call<execution.SubmitBatchResponse>((done) => client.submitBatch(request, done));
  const { batch } = await submit();
  const batchId = batch?.id ?? '';
  assert.equal((await submit()).batch?.id, batchId);
  const [first, second] = batch?.jobs ?? [];
  await doors.ports.store.finish(first?.id ?? '', 1, aResult());
  const { batch: now } = await call<execution.GetBatchResponse>((done) => client.getBatch({ batchId }, done));
  assert.deepEqual(now?.progress, {
    total: 3,
    finished: 1,
    counts: [
      { status: types.JobStatus.SUCCEEDED, jobs: 1 },
      { status: types.JobStatus.ACCEPTED, jobs: 2 },
    ],
  });
  assert.equal(now?.finishedAtMs, undefined);
  const { job } = await call<execution.GetResponse>((done) => client.get({ jobId: second?.id ?? '' }, done));
  assert.equal(job?.batchId, batchId);
  const cancelled = await call<execution.CancelBatchResponse>((done) => client.cancelBatch({ batchId }, done));
  assert.deepEqual(cancelled.batch?.metadata, { a: 'b' });
  const events: string[] = [];
  let last: execution.WatchBatchResponse['event'];
  for await (const { event } of client.watchBatch({ batchId }) as AsyncIterable<execution.WatchBatchResponse>) {
    events.push(event?.$case ?? '');
    last = event;
  }
  assert.deepEqual(events.slice(0, 1), ['jobEnded']);
  assert.equal(events.filter((each) => each === 'jobEnded').length, 3);
  assert.deepEqual(last?.$case === 'done' && last.value.progress?.finished, 3);

  const refusal = (programs: Partial<execution.Program>[], idempotencyKey = '') =>
    call((done) =>
      client.submitBatch(execution.SubmitBatchRequest.fromPartial({ jobs: programs, idempotencyKey }), done),
    ).then(
      () => assert.fail('accepted'),
      (error: ServiceError) => error,
    );
  const bad = await refusal([...manyJobs(2), { code: 'x', language: 'cobol' }]);
  assert.equal(bad.code, status.INVALID_ARGUMENT);
  assert.match(bad.details, /^jobs\[2\]\.language: /);
  const other = await refusal(manyJobs(1), 'grpc-batch');
  assert.equal(other.metadata.get('runlane-code')[0], 'IDEMPOTENCY_MISMATCH');
  const unknown = await call((done) => client.getBatch({ batchId: UNKNOWN }, done)).then(
    () => assert.fail('found'),
    (error: ServiceError) => error,
  );
  assert.equal(unknown.metadata.get('runlane-code')[0], 'BATCH_NOT_FOUND');
});

/** As protobuf writes a number. */
function varint(value: number): Buffer {
  return value < 128 ? Buffer.from([value]) : Buffer.concat([Buffer.from([(value & 127) | 128]), varint(value >> 7)]);
}

test('over gRPC, a batch may be larger than other messages, and two bytes a program are counted before they are read', async () => {
  const send = (method: string, bytes: Uint8Array) =>
    new Promise<ServiceError>((resolve, reject) => {
      client.makeUnaryRequest(
        `/runlane.v1.ExecutionService/${method}`,
        (b: Buffer) => b,
        (b: Buffer) => b,
        Buffer.from(bytes),
        (error) => (error ? resolve(error as ServiceError) : reject(new Error('accepted'))),
      );
    });
  const large = { code: 'x'.repeat(300_000) };
  const batch = execution.SubmitBatchRequest.encode(
    execution.SubmitBatchRequest.fromPartial({ jobs: Array(20).fill(large) }),
  ).finish();
  assert.match((await send('SubmitBatch', batch)).details, /jobs\[19\]\.code: must be at most/);
  const job = execution.SubmitRequest.encode(
    execution.SubmitRequest.fromPartial({ program: { stdin: Buffer.alloc(5_000_000) } }),
  ).finish();
  const tooLarge = await send('Submit', job);
  assert.equal(tooLarge.code, status.RESOURCE_EXHAUSTED);
  assert.equal(tooLarge.metadata.get('runlane-code')[0], 'PAYLOAD_TOO_LARGE');
  // Field 1, length 0: an empty program; and one program of empty files.
  const empty = Buffer.alloc(2 * 200_000, Buffer.from([0x0a, 0x00]));
  const tooMany = await send('SubmitBatch', empty);
  assert.equal(tooMany.metadata.get('runlane-code')[0], 'INVALID_REQUEST');
  assert.match(tooMany.details, /more than 100000 values/);
  const files = Buffer.alloc(2 * 200_000, Buffer.from([0x22, 0x00]));
  const nested = Buffer.concat([Buffer.from([0x0a, 0x80, 0xb5, 0x18]), files]);
  assert.match((await send('SubmitBatch', nested)).details, /more than 100000 values/);
  for (const method of ['Submit', 'Run']) assert.match((await send(method, nested)).details, /more than 5000 values/);
  // program.judge.checker.files, and program.cases.args.values, of nothing each.
  const within = (field: number, inner: Uint8Array) =>
    Buffer.concat([varint((field << 3) | 2), varint(inner.length), inner]);
  const checker = within(1, within(21, within(2, files)));
  const cases = within(1, within(20, within(3, Buffer.alloc(2 * 200_000, Buffer.from([0x0a, 0x00])))));
  for (const deep of [checker, cases])
    for (const method of ['Submit', 'Run']) assert.match((await send(method, deep)).details, /more than 5000 values/);
  assert.match((await send('SubmitBatch', checker)).details, /more than 100000 values/);
  assert.match((await send('SubmitBatch', Buffer.from([0x0a, 0x7f]))).details, /cannot be read/);
});
