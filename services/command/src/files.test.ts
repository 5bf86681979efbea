/** Files that programs left, as both doors give them: the bytes, how browsers are kept from harm, and what is refused. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ServiceError, status } from '@grpc/grpc-js';
import { ERRORS, type ErrorCode, type execution, type JobJson, type ProblemJson } from '@runlane/contract';
import type { ProducedFile } from '@runlane/core';
import { aJob, aResult } from '@runlane/core/testing';
import { openTestDoors, type TestDoors } from './testing/command-doors.js';

const UNKNOWN = '01890a5d-ac96-774b-bcce-b302099a8057';
const LARGE = randomBytes(3_000_000);
const CONTENTS: readonly (readonly [path: string, contentType: string, bytes: Buffer])[] = [
  ['a/b/large.bin', 'application/octet-stream', LARGE],
  ['data.json', 'application/json; charset=utf-8', Buffer.from('{}')],
  ['empty', 'application/octet-stream', Buffer.alloc(0)],
  ['page.html', 'text/html; charset=utf-8', Buffer.from('<script>alert(1)</script>')],
  ['plot.png', 'image/png', Buffer.from([137, 80])],
  ['vector.svg', 'image/svg+xml', Buffer.from('<svg/>')],
  ['100% "sure"; #1? (ü).txt', 'text/plain; charset=utf-8', Buffer.from('ü')],
];

let doors: TestDoors;
let client: execution.ExecutionServiceClient;
let jobId: string;
let files: ProducedFile[];

before(async () => {
  doors = await openTestDoors();
  client = doors.client;
  files = [];
  for (const [path, contentType, bytes] of CONTENTS) {
    const sha256 = await doors.ports.artifacts.put(bytes, { durable: true });
    files.push({ path, contentType, sizeBytes: bytes.length, sha256 });
  }
  jobId = await finished({ files, filesOmitted: 2 });
});
after(() => doors.close());

async function finished(result: Parameters<typeof aResult>[1]): Promise<string> {
  const job = aJob();
  await doors.ports.store.insert(job);
  await doors.ports.store.finish(job.id, 1, aResult('succeeded', { wallTimeMs: 12, ...result }));
  return job.id;
}

const encoded = (path: string) => path.split('/').map(encodeURIComponent).join('/');
const get = (path: string, init?: RequestInit, id = jobId) =>
  fetch(`${doors.baseUrl}/v1/jobs/${id}/files/${encoded(path)}`, init);

interface ReadOutcome {
  readonly chunks: readonly Buffer[];
  readonly error?: ServiceError;
}

async function readOverGrpc(path: string, id = jobId): Promise<ReadOutcome> {
  const chunks: Buffer[] = [];
  try {
    for await (const { chunk } of client.readFile({ jobId: id, path }) as AsyncIterable<execution.ReadFileResponse>)
      chunks.push(chunk);
    return { chunks };
  } catch (error) {
    return { chunks, error: error as ServiceError };
  }
}

test('the result lists the files in both doors, and a list of jobs does not', async () => {
  const job = (await (await fetch(`${doors.baseUrl}/v1/jobs/${jobId}`)).json()) as JobJson;
  assert.deepEqual([job.result?.files, job.result?.filesOmitted], [files, 2]);
  const { result } = await new Promise<execution.Job>((resolve, reject) => {
    client.get({ jobId }, (error, response) => (error || !response.job ? reject(error) : resolve(response.job)));
  });
  assert.deepEqual([result?.files, result?.filesOmitted], [files, 2]);
  const list = await (await fetch(`${doors.baseUrl}/v1/jobs`)).text();
  assert.ok(!list.includes('plot.png'));
  const none = (await (await fetch(`${doors.baseUrl}/v1/jobs/${await finished({})}`)).json()) as JobJson;
  assert.ok(none.result && !('files' in none.result) && !('filesOmitted' in none.result));
});

for (const [path, contentType, bytes] of CONTENTS) {
  test(`over REST, ${path} comes as it was written, and as nothing that a browser would run`, async () => {
    const response = await get(path);
    assert.equal(response.status, 200);
    assert.ok(Buffer.from(await response.arrayBuffer()).equals(bytes));
    const { headers } = response;
    assert.equal(headers.get('Content-Type'), contentType);
    assert.equal(headers.get('Content-Length'), String(bytes.length));
    assert.equal(headers.get('X-Content-Type-Options'), 'nosniff');
    assert.equal(headers.get('Content-Security-Policy'), "sandbox; default-src 'none'");
    assert.match(headers.get('Content-Disposition') ?? '', path === 'plot.png' ? /^inline/ : /^attachment/);
    assert.match(headers.get('Cache-Control') ?? '', /private.*immutable/);
    assert.equal(headers.get('ETag'), `"${files.find((file) => file.path === path)?.sha256}"`);
  });

  test(`over gRPC, ${path} comes in chunks of at most 64 KiB`, async () => {
    const { chunks, error } = await readOverGrpc(path);
    assert.equal(error, undefined);
    assert.ok(Buffer.concat(chunks).equals(bytes));
    assert.ok(chunks.every(({ length }) => length > 0 && length <= 64 * 1024));
  });
}

test('a name says nothing that a header could be ended with', async () => {
  const disposition = (await get('100% "sure"; #1? (ü).txt')).headers.get('Content-Disposition');
  assert.equal(disposition, "attachment; filename*=UTF-8''100%25%20%22sure%22%3B%20%231%3F%20%28%C3%BC%29.txt");
});

test('a path may be written with "%2F" as well', async () => {
  const response = await fetch(`${doors.baseUrl}/v1/jobs/${jobId}/files/a%2Fb%2Flarge.bin`);
  assert.ok(Buffer.from(await response.arrayBuffer()).equals(LARGE));
});

test('HEAD tells everything but the bytes, and reads none', async () => {
  const { artifacts } = doors.ports;
  const { open } = artifacts;
  artifacts.open = () => Promise.reject(new Error('read'));
  try {
    const response = await get('data.json', { method: 'HEAD' });
    assert.deepEqual([response.status, response.headers.get('Content-Length'), await response.text()], [200, '2', '']);
    assert.equal((await get('data.json')).status, 500);
  } finally {
    artifacts.open = open;
  }
});

test('who has the bytes already is told so, without any', async () => {
  const tag = (await get('data.json')).headers.get('ETag') ?? '';
  for (const had of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
    const response = await get('data.json', { headers: { 'If-None-Match': had } });
    assert.deepEqual([response.status, response.headers.get('ETag'), await response.text()], [304, tag, ''], had);
  }
  assert.equal((await get('data.json', { headers: { 'If-None-Match': '"other"' } })).status, 200);
});

async function refused(code: ErrorCode, path: string, id = jobId, field?: string): Promise<void> {
  const response = await get(path, {}, id);
  assert.equal(response.status, ERRORS[code].http);
  assert.match(response.headers.get('Content-Type') ?? '', /^application\/problem\+json/);
  assert.equal(response.headers.get('ETag'), null);
  assert.equal(response.headers.get('Cache-Control'), 'no-store');
  const problem = (await response.json()) as ProblemJson;
  assert.equal(problem.code, code);
  if (field) assert.equal(problem.errors?.[0]?.field, field);
  const { error, chunks } = await readOverGrpc(path, id);
  assert.deepEqual([chunks.length, error?.code], [0, ERRORS[code].grpc]);
  assert.equal(error?.metadata.get('runlane-code')[0], code);
}

test('an unknown job, a job id that is none and an unknown file are refused alike in both doors', async () => {
  await refused('JOB_NOT_FOUND', 'a', UNKNOWN);
  await refused('INVALID_REQUEST', 'a', 'x', undefined);
  for (const path of ['nowhere', 'A/b/large.bin', 'a/b', 'a//b/large.bin', '__proto__', '%00', 'x'.repeat(5_000)])
    await refused('NOT_FOUND', path, jobId, 'path');
});

test('a path that climbs out leads nowhere, however it is written', async () => {
  for (const path of ['%2e%2e%2f%2e%2e%2fetc%2fpasswd', 'a%2f..%2fdata.json', '%2Fetc%2Fpasswd', 'a%00']) {
    const response = await fetch(`${doors.baseUrl}/v1/jobs/${jobId}/files/${path}`);
    assert.equal(response.status, 404, path);
  }
  assert.equal((await fetch(`${doors.baseUrl}/v1/jobs/${jobId}/files/%E0%A4%A`)).status, 400);
  assert.equal((await fetch(`${doors.baseUrl}/v1/jobs/${jobId}/files/`)).status, 404);
});

test('a job that has not ended has no files yet: 409, and when to come back', async () => {
  const job = aJob();
  await doors.ports.store.insert(job);
  await refused('JOB_NOT_ENDED', 'a', job.id);
  assert.ok((await get('a', {}, job.id)).headers.get('Retry-After'));
});

test('bytes that are gone, or damaged, are said to be gone', async () => {
  const sha256 = await doors.ports.artifacts.put(Buffer.from('soon gone'));
  const id = await finished({ files: [{ path: 'a', contentType: 'text/plain', sizeBytes: 9, sha256 }] });
  await sleep(5);
  await doors.ports.artifacts.expire(Date.now() + 1);
  // What else was kept goes with it: put it back for the other tests.
  for (const [, , bytes] of CONTENTS) await doors.ports.artifacts.put(bytes);
  await refused('FILE_GONE', 'a', id, 'path');
});

test('bytes of another length than the result says are said to be gone', async () => {
  const sha256 = await doors.ports.artifacts.put(Buffer.from('longer than that'));
  const id = await finished({ files: [{ path: 'a', contentType: 'text/plain', sizeBytes: 9, sha256 }] });
  await refused('FILE_GONE', 'a', id, 'path');
});

test('a large file that turns out to be damaged breaks off, and never arrives whole', async () => {
  const bytes = randomBytes(1_000_000);
  const sha256 = await doors.ports.artifacts.put(bytes);
  const damaged = async () => {
    const shard = join(doors.dataDir, 'artifacts', sha256.slice(0, 2));
    await rm(join(shard, sha256));
    await writeFile(join(shard, sha256), Buffer.concat([bytes.subarray(0, -1), Buffer.of((bytes.at(-1) ?? 0) ^ 1)]));
  };
  const id = await finished({ files: [{ path: 'a', contentType: 'text/plain', sizeBytes: bytes.length, sha256 }] });
  await damaged();
  const response = await get('a', {}, id);
  assert.equal(response.status, 200);
  await assert.rejects(response.arrayBuffer());
  await refused('FILE_GONE', 'a', id);
  await doors.ports.artifacts.put(bytes);
  await damaged();
  const { chunks, error } = await readOverGrpc('a', id);
  assert.equal(error?.code, ERRORS.FILE_GONE.grpc);
  assert.ok(Buffer.concat(chunks).length < bytes.length);
});

test('another method is refused with those that there are', async () => {
  const response = await get('data.json', { method: 'DELETE' });
  assert.deepEqual([response.status, response.headers.get('Allow')], [405, 'GET, HEAD']);
});

test('a reader that reads slowly gets all of it, and one that leaves is not waited for', async () => {
  const stream = client.readFile({ jobId, path: 'a/b/large.bin' });
  let bytes = 0;
  for await (const { chunk } of stream as AsyncIterable<execution.ReadFileResponse>) {
    bytes += chunk.length;
    await sleep(2);
  }
  assert.equal(bytes, LARGE.length);
  const left = client.readFile({ jobId, path: 'a/b/large.bin' });
  const over = new Promise<ServiceError>((resolve) => left.once('error', (error) => resolve(error as ServiceError)));
  left.once('data', () => left.cancel());
  assert.equal((await over).code, status.CANCELLED);
  const url = `${doors.baseUrl}/v1/jobs/${jobId}/files/a/b/large.bin`;
  await new Promise<void>((resolve) => {
    const gone = request(url, (response) => response.once('data', () => gone.destroy())).end();
    gone.once('close', () => resolve());
  });
  assert.equal((await get('data.json')).status, 200);
});

test('the OpenAPI document has the route, with all that it answers', async () => {
  const document = (await (await fetch(`${doors.baseUrl}/openapi.json`)).json()) as {
    paths: Record<string, { get: { responses: Record<string, unknown>; parameters: { name: string }[] } }>;
  };
  const { responses, parameters } = document.paths['/v1/jobs/{id}/files/{path}']?.get ?? {};
  assert.deepEqual(
    parameters?.map(({ name }) => name),
    ['id', 'path', 'If-None-Match'],
  );
  for (const code of [200, 304, 400, 404, 409, 410, 503]) assert.ok(responses?.[code], String(code));
});
