/** Whatever is wrong with a request is refused before anything is stored, in both doors alike: what, where and why. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ServiceError, status } from '@grpc/grpc-js';
import { ERRORS, execution, type ProblemJson, type types } from '@runlane/contract';
import { timeOf, until } from '@runlane/core/testing';
import { openTestDoors, type TestDoors } from './testing/command-doors.js';
import { readDetails } from './testing/error-details.js';

let doors: TestDoors;
let client: execution.ExecutionServiceClient;
before(async () => {
  doors = await openTestDoors();
  client = doors.client;
});
after(() => doors.close());

const long = (length: number) => 'x'.repeat(length);
const files = (...paths: string[]) => ({ files: paths.map((path) => ({ path, content: '' })) });

/** Bodies of `POST /v1/jobs` and the fields that are named in the refusal. */
const BAD_PROGRAMS: readonly (readonly [name: string, body: Record<string, unknown>, ...fields: string[]])[] = [
  ['nothing to run', {}, 'code'],
  ['both code and files', { code: 'x', ...files('a.py') }, 'code'],
  ['an unknown language', { code: 'x', language: 'cobol' }, 'language'],
  ['an unknown version', { code: 'x', version: '2' }, 'version'],
  ['a version that is none', { code: 'x', version: 'latest' }, 'version'],
  ['a range that none fits', { code: 'x', version: '>=3.12 <4' }, 'version'],
  ['a range that is none', { code: 'x', version: '>>3' }, 'version'],
  ['a range of blanks', { code: 'x', version: ' ' }, 'version'],
  ['a range that is too long', { code: 'x', version: long(65) }, 'version'],
  ['an unreadable range of an unknown language', { code: 'x', language: 'cobol', version: '?' }, 'language', 'version'],
  ['more files back than ever', { code: 'x', limits: { producedFiles: 257 } }, 'limits.producedFiles'],
  ['more bytes back than ever', { code: 'x', limits: { producedBytes: 33_554_433 } }, 'limits.producedBytes'],
  ['code that is too long', { code: long(262_145) }, 'code'],
  ['half a surrogate pair', { code: '\ud800' }, 'code'],
  ['a path that climbs out', files('../x'), 'files[0].path'],
  ['a path that climbs out later', files('a/../../x'), 'files[0].path'],
  ['an absolute path', files('/etc/passwd'), 'files[0].path'],
  ['a drive', files('C:\\x'), 'files[0].path'],
  ['a backslash', files('a\\b'), 'files[0].path'],
  ['an empty path', files(''), 'files[0].path'],
  ['a dot', files('.'), 'files[0].path'],
  ['a NUL in a path', files('a\0b'), 'files[0].path'],
  ['a line break in a path', files('a\nb'), 'files[0].path'],
  ['a right-to-left mark', files('a\u200fb'), 'files[0].path'],
  ['a part that is too long', files(long(256)), 'files[0].path'],
  ['a path that is too deep', files('a/b/c/d/e/f/g/h/i'), 'files[0].path'],
  ['a name twice', files('a.py', 'a.py'), 'files[1].path'],
  ['names that some file systems take for one', files('A.py', 'a.PY'), 'files[1].path'],
  ['names equal after normalisation', files('\u00e9.py', 'e\u0301.py'), 'files[1].path'],
  ['a file where a folder is', files('a/b.py', 'a'), 'files[1].path'],
  ['an entry that is no file', { ...files('a.py'), entry: 'b.py' }, 'entry'],
  ['too many files', files(...Array.from({ length: 65 }, (_, i) => `f${i}`)), 'files'],
  ['stdin that is too long', { code: 'x', stdin: long(1_048_577) }, 'stdin'],
  ['too many arguments', { code: 'x', args: Array(65).fill('a') }, 'args'],
  ['an argument that is too long', { code: 'x', args: [long(4_097)] }, 'args[0]'],
  ['a NUL in an argument', { code: 'x', args: ['a\0'] }, 'args[0]'],
  ['a variable with a bad name', { code: 'x', env: { 'A-B': '1' } }, 'env.A-B'],
  ['a limit above the maximum', { code: 'x', limits: { wallTimeMs: 60_001 } }, 'limits.wallTimeMs'],
  [
    'two limits above the maximum',
    { code: 'x', limits: { wallTimeMs: 60_001, outputBytes: 1e9 } },
    'limits.wallTimeMs',
    'limits.outputBytes',
  ],
  ['a limit of nothing', { code: 'x', limits: { memoryBytes: 0 } }, 'limits.memoryBytes'],
  [
    'too many labels',
    { code: 'x', metadata: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`k${i}`, ''])) },
    'metadata',
  ],
  ['a priority that is none', { code: 'x', priority: 'urgent' }, 'priority'],
  ['a time that is none', { code: 'x', notBefore: 'tomorrow' }, 'notBefore'],
  ['a time without an offset', { code: 'x', notBefore: '2026-01-31T12:00:00' }, 'notBefore'],
  ['a time too far ahead', { code: 'x', notBefore: '2999-01-31T12:00:00Z' }, 'notBefore'],
  ['a time for what somebody talks to', { code: 'x', notBefore: '2026-01-31T12:00:00Z', interactive: {} }, 'notBefore'],
  ['three things at once', { code: 'x', version: 'new', args: ['\0'], entry: '../x' }, 'version', 'args[0]', 'entry'],
  [
    'what fields, their combination and the language decide, at once',
    {
      language: 'cobol',
      code: 'x',
      files: [{ path: 'a.py', content: '' }],
      args: ['\0'],
      limits: { wallTimeMs: 60_001 },
    },
    'args[0]',
    'code',
    'language',
    'limits.wallTimeMs',
  ],
  [
    'limits below which nothing starts',
    { code: 'x', limits: { openFiles: 1, memoryBytes: 1 } },
    'limits.openFiles',
    'limits.memoryBytes',
  ],
  [
    'limits of a compiler for a language without',
    { code: 'x', limits: { compile: { wallTimeMs: 1_000 } } },
    'limits.compile',
  ],
];

const post = (path: string, body: string | Buffer, headers: Record<string, string> = {}) =>
  fetch(`${doors.baseUrl}${path}`, {
    method: 'POST',
    body,
    headers: { 'Content-Type': 'application/json', ...headers },
  });

async function problemOf(response: Response, code: keyof typeof ERRORS): Promise<ProblemJson> {
  const text = await response.text();
  assert.equal(response.status, ERRORS[code].http, text);
  assert.match(response.headers.get('Content-Type') ?? '', /^application\/problem\+json/);
  const problem = JSON.parse(text) as ProblemJson;
  assert.equal(problem.code, code);
  assert.ok(problem.detail.length > 10);
  assert.ok(!text.includes('node_modules') && !text.includes('.js:'), 'a stack trace');
  return problem;
}

const nothingWasStored = async () => assert.equal(await doors.ports.store.inFlightCount(), 0);

for (const [name, body, ...fields] of BAD_PROGRAMS) {
  test(`over REST, ${name} is refused by name`, async () => {
    const problem = await problemOf(await post('/v1/jobs', JSON.stringify(body)), 'INVALID_REQUEST');
    assert.deepEqual(problem.errors?.map(({ field }) => field).toSorted(), fields.toSorted());
    await nothingWasStored();
  });

  test(`over gRPC, ${name} is refused by name`, async () => {
    // Protobuf itself replaces what is not Unicode, a message without code is an empty program, and times there have no offset.
    if (['half a surrogate pair', 'nothing to run', 'a time without an offset'].includes(name)) return;
    const error = await grpcRefusal(body);
    assert.equal(error.code, status.INVALID_ARGUMENT);
    assert.equal(error.metadata.get('runlane-code')[0], 'INVALID_REQUEST');
    for (const field of fields) assert.ok(error.details.includes(`${field}: `), error.details);
    assert.deepEqual(
      readDetails(error)
        .violations.map(({ field }) => field)
        .toSorted(),
      fields.toSorted(),
    );
    await nothingWasStored();
  });
}

/** No date can be so late. */
const NO_TIME = 9e15;

function grpcRefusal({
  files: some,
  stdin,
  priority,
  notBefore,
  ...program
}: Record<string, unknown>): Promise<ServiceError> {
  const given = (some ?? []) as { path: string; content: string }[];
  const message = execution.Program.fromPartial({
    ...program,
    ...(priority !== undefined && { priority: 77 as types.JobPriority }),
    ...(notBefore !== undefined && { notBeforeMs: Date.parse(String(notBefore)) || NO_TIME }),
    files: given.map(({ path, content }) => ({ path, content: Buffer.from(content) })),
    stdin: Buffer.from((stdin as string | undefined) ?? ''),
  });
  return new Promise((resolve, reject) => {
    client.submit({ program: message, idempotencyKey: '' }, (error) =>
      error ? resolve(error) : reject(new Error('accepted')),
    );
  });
}

const BAD_BODIES: readonly (readonly [name: string, body: string | Buffer])[] = [
  ['no body', ''],
  ['half a body', '{"code": "x'],
  ['a list', '[]'],
  ['a text', '"code"'],
  ['null', 'null'],
  ['a byte order mark in the middle', '{\ufeff"code": "x"}'],
  ['bytes that are not UTF-8', Buffer.from('{"code": "\xff"}', 'latin1')],
  ['a number that is none', '{"code": NaN}'],
  ['code that is no text', '{"code": {"$gt": ""}}'],
  ['an unknown field', '{"code": "x", "cmd": "y"}'],
  ['__proto__', '{"code": "x", "__proto__": {"admin": true}}'],
  ['__proto__ in env', '{"code": "x", "env": {"__proto__": "y"}}'],
  ['constructor in metadata', '{"code": "x", "metadata": {"constructor": "y"}}'],
  ['200,000 brackets', '['.repeat(200_000) + ']'.repeat(200_000)],
  [
    '300,000 unknown fields',
    JSON.stringify(Object.fromEntries(Array.from({ length: 300_000 }, (_, i) => [`k${i}`, 1]))),
  ],
  ['a list of a million', `{"code": "x", "args": [${'1,'.repeat(1_000_000)}1]}`],
  ['a deep object', `{"metadata": ${'{"a":'.repeat(20)}1${'}'.repeat(20)}}`],
];

for (const [name, body] of BAD_BODIES) {
  for (const path of ['/v1/jobs', '/submit-code']) {
    test(`${path} refuses ${name}`, async () => {
      await problemOf(await post(path, body), 'INVALID_REQUEST');
      assert.equal(({} as Record<string, unknown>).admin, undefined);
      await nothingWasStored();
    });
  }
}

test('a body of another type is refused: what forms of other pages can send', async () => {
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', '']) {
    await problemOf(await post('/v1/jobs', '{"code": "x"}', { 'Content-Type': type }), 'UNSUPPORTED_MEDIA_TYPE');
  }
});

test('a body that is too large is refused, and a compressed one', async () => {
  await problemOf(await post('/v1/jobs', JSON.stringify({ code: long(5_000_000) })), 'PAYLOAD_TOO_LARGE');
  await problemOf(await post('/v1/jobs', 'x', { 'Content-Encoding': 'gzip' }), 'UNSUPPORTED_MEDIA_TYPE');
});

const BAD_QUERIES = [
  '/exec-result',
  '/exec-result?jobId=',
  '/exec-result?jobId=wait',
  '/exec-result?jobId[$ne]=x',
  '/exec-result?jobId=01890a5d-ac96-774b-bcce-b302099a8057&jobId=x',
  '/exec-result?jobId=01890A5D-AC96-774B-BCCE-B302099A8057',
  '/exec-result?__proto__[x]=1&jobId=01890a5d-ac96-774b-bcce-b302099a8057',
  '/v1/jobs?limit=0',
  '/v1/jobs?limit=1e2',
  '/v1/jobs?limit=101',
  '/v1/jobs?status=done',
  '/v1/jobs?cursor[$gt]=',
  '/v1/jobs?nothing=1',
  '/v1/jobs/%2e%2e%2fx',
  '/v1/jobs/%00',
  '/v1/jobs/x/events',
];

for (const query of BAD_QUERIES) {
  test(`GET ${query} is refused`, async () => {
    await problemOf(await fetch(`${doors.baseUrl}${query}`), 'INVALID_REQUEST');
  });
}

test('what is not there is 404, and a wrong method 405 with the right ones', async () => {
  const unknown = '01890a5d-ac96-774b-bcce-b302099a8057';
  await problemOf(await fetch(`${doors.baseUrl}/exec-result?jobId=${unknown}`), 'JOB_NOT_FOUND');
  await problemOf(await fetch(`${doors.baseUrl}/v1/jobs/${unknown}`), 'JOB_NOT_FOUND');
  await problemOf(await fetch(`${doors.baseUrl}/v1/jobs/${unknown}/events`), 'JOB_NOT_FOUND');
  await problemOf(await post(`/v1/jobs/${unknown}/cancel`, ''), 'JOB_NOT_FOUND');
  await problemOf(await fetch(`${doors.baseUrl}/nowhere`), 'NOT_FOUND');
  const wrong = await fetch(`${doors.baseUrl}/v1/jobs`, { method: 'DELETE' });
  assert.equal(wrong.headers.get('Allow'), 'GET, POST');
  await problemOf(wrong, 'METHOD_NOT_ALLOWED');
});

test('an undecodable address is refused', async () => {
  await problemOf(await fetch(`${doors.baseUrl}/v1/jobs/%E0%A4%A`), 'INVALID_REQUEST');
});

test('an idempotency key or an event id that is none is refused', async () => {
  await problemOf(await post('/v1/jobs', '{"code": "x"}', { 'Idempotency-Key': long(256) }), 'INVALID_REQUEST');
  await problemOf(await post('/v1/jobs', '{"code": "x"}', { 'Idempotency-Key': 'a b' }), 'INVALID_REQUEST');
  const url = `${doors.baseUrl}/v1/jobs/01890a5d-ac96-774b-bcce-b302099a8057/events`;
  await problemOf(await fetch(url, { headers: { 'Last-Event-ID': 'x' } }), 'INVALID_REQUEST');
  await nothingWasStored();
});

test('gRPC refuses what is wrong with a list and a watch', async () => {
  const listed = (request: Partial<execution.ListRequest>) =>
    new Promise<ServiceError | null>((resolve) => {
      client.list({ ...execution.ListRequest.fromPartial({}), ...request }, (error) => resolve(error));
    });
  assert.match((await listed({ pageSize: 101 }))?.details ?? '', /pageSize/);
  assert.match((await listed({ pageToken: 'x' }))?.details ?? '', /pageToken/);
  assert.match((await listed({ status: 99 as types.JobStatus }))?.details ?? '', /status/);
  const watched = new Promise<ServiceError>((resolve) => {
    client
      .watch({ jobId: 'x', afterEventId: '' })
      .on('error', (error) => resolve(error as ServiceError))
      .resume();
  });
  assert.equal((await watched).code, status.INVALID_ARGUMENT);
});

test('gRPC refuses a message that cannot be read: it is the caller who is wrong', async () => {
  const tooLarge = execution.SubmitRequest.encode(
    execution.SubmitRequest.fromPartial({ program: { code: 'x', limits: { memoryBytes: Number.MAX_SAFE_INTEGER } } }),
  ).finish();
  // The number's last byte but one, raised: past what JavaScript counts exactly.
  const bytes = Buffer.from(tooLarge);
  bytes[bytes.length - 1] = 0x7f;
  const error = await new Promise<ServiceError>((resolve) => {
    client.makeUnaryRequest(
      '/runlane.v1.ExecutionService/Submit',
      (b: Buffer) => b,
      (b: Buffer) => b,
      bytes,
      (reason) => resolve(reason as ServiceError),
    );
  });
  assert.equal(error.code, status.INVALID_ARGUMENT);
  assert.equal(error.metadata.get('runlane-code')[0], 'INVALID_REQUEST');
  await nothingWasStored();
});

test('a key that made a job gives that job even when the queue is full', async () => {
  const small = await openTestDoors({ MAX_QUEUED_JOBS: '1' });
  try {
    const ask = () =>
      fetch(`${small.baseUrl}/v1/jobs`, {
        method: 'POST',
        body: '{"code": "1"}',
        headers: { 'Content-Type': 'application/json', 'Idempotency-Key': 'a' },
      });
    const first = (await (await ask()).json()) as { id: string };
    const again = await ask();
    assert.equal(again.status, 202);
    assert.equal(again.headers.get('Idempotency-Replayed'), 'true');
    assert.equal(((await again.json()) as { id: string }).id, first.id);
  } finally {
    await small.close();
  }
});

test('who waits and who watches is answered when the server stops', async () => {
  const stopping = await openTestDoors();
  const headers = { 'Content-Type': 'application/json', Prefer: 'wait=60' };
  const waiting = fetch(`${stopping.baseUrl}/v1/jobs`, { method: 'POST', body: '{"code": "1"}', headers });
  await until('it is accepted', async () => (await stopping.ports.store.inFlightCount()) === 1);
  const [job] = await stopping.ports.store.inFlight(undefined, 1);
  const watching = await fetch(`${stopping.baseUrl}/v1/jobs/${job?.id}/events`);
  const took = await timeOf(() => stopping.close());
  assert.equal((await waiting).status, 202);
  assert.match(await watching.text(), /event: status/);
  assert.ok(took < 1_500, `${took} ms`);
});

test('a full queue is said with 503 and when to come back', async () => {
  const small = await openTestDoors({ MAX_QUEUED_JOBS: '1' });
  try {
    const ask = (code: string, key: string) =>
      fetch(`${small.baseUrl}/v1/jobs`, {
        method: 'POST',
        body: JSON.stringify({ code }),
        headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key },
      });
    assert.equal((await ask('1', 'a')).status, 202);
    const full = await ask('2', 'b');
    assert.equal(full.headers.get('Retry-After'), '5');
    await problemOf(full, 'QUEUE_FULL');
  } finally {
    await small.close();
  }
});

test('before a runner was ever seen, a job is refused with 503', async () => {
  const empty = await openTestDoors({}, { withRunner: false });
  try {
    const response = await fetch(`${empty.baseUrl}/v1/jobs`, {
      method: 'POST',
      body: '{"code": "x"}',
      headers: { 'Content-Type': 'application/json' },
    });
    assert.ok(response.headers.get('Retry-After'));
    await problemOf(response, 'RUNNER_UNAVAILABLE');
    assert.equal((await fetch(`${empty.baseUrl}/readyz`)).status, 503);
  } finally {
    await empty.close();
  }
});
