/** Attachments through both doors, where no worker runs anything: the test itself is at the other end of the feed. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js';
import { execution } from '@runlane/contract';
import { type Job, type JobInput, MAX_WAITING_INPUT_BYTES, type Program } from '@runlane/core';
import { aJob, aResult, until } from '@runlane/core/testing';
import { WebSocket } from 'ws';
import { openTestDoors, type TestDoors } from './testing/command-doors.js';

const PIECE_BYTES = 64 * 1024;
/** More than what the kernel holds between two processes, and less than what the feed keeps. */
const PIECES = 320;

let doors: TestDoors;
let client: execution.ExecutionServiceClient;
/** Events that the doors took from the feed. */
let taken = 0;
before(async () => {
  doors = await openTestDoors();
  client = doors.client;
  const { feed } = doors.ports;
  const { read } = feed;
  feed.read = async function* (...args) {
    for await (const event of read(...args)) {
      taken += 1;
      yield event;
    }
  };
});
beforeEach(() => {
  taken = 0;
});
after(() => doors.close());

async function acceptedJob(interactive: Program['interactive'] = {}): Promise<Job> {
  const job = aJob();
  const accepted = { ...job, program: { ...job.program, ...(interactive && { interactive }) } };
  await doors.ports.store.insert(accepted);
  return accepted;
}

const statusOf = async (job: Job) => (await doors.ports.store.get(job.id))?.status;
const isCancelled = (job: Job) => until('it is cancelled', async () => (await statusOf(job)) === 'cancelled');

async function endsWell(job: Job, sequence = 1): Promise<void> {
  await doors.ports.store.finish(job.id, 1, aResult('succeeded', { wallTimeMs: 12 }));
  await doors.ports.feed.append(job.id, { id: `1-${sequence}`, type: 'end' });
}

async function inputsOf(job: Job, count: number): Promise<JobInput[]> {
  const enough = new AbortController();
  const inputs: JobInput[] = [];
  for await (const input of doors.ports.feed.readInput(
    job.id,
    AbortSignal.any([enough.signal, AbortSignal.timeout(20_000)]),
  )) {
    inputs.push(input);
    if (inputs.length === count) enough.abort();
  }
  return inputs;
}

/** What a client of either door is told, in short. */
interface Session {
  readonly told: string[];
  send(input: JobInput): void;
  sendNonsense(): void;
  pause(): void;
  resume(): void;
  /** How it was closed: a reason. */
  readonly closed: Promise<string>;
  drop(): void;
}

const webSocketTo = (job: Job) => new WebSocket(`ws://127.0.0.1:${doors.httpPort}/v1/jobs/${job.id}/attach`);

async function overWebSocket(job: Job): Promise<Session> {
  const socket = webSocketTo(job);
  const told: string[] = [];
  socket.on('message', (data) => {
    const { event, data: value } = JSON.parse(String(data)) as { event: string; data: Record<string, string> };
    told.push(event === 'status' ? String(value.status) : event === 'error' ? `error ${value.code}` : event);
  });
  socket.on('error', () => undefined);
  const closed = once(socket, 'close').then(([code, reason]) => `${code} ${reason}`);
  await once(socket, 'open');
  return {
    told,
    closed,
    send: (input) => socket.send(input.type === 'stdin' ? Buffer.from(input.data) : JSON.stringify(input)),
    sendNonsense: () => socket.send('nonsense'),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    drop: () => socket.terminate(),
  };
}

type Call = ClientDuplexStream<execution.AttachRequest, execution.AttachResponse>;

async function overGrpc(job: Job): Promise<Session> {
  const call: Call = client.attach();
  const told: string[] = [];
  const closed = new Promise<string>((resolve) => {
    call.on('end', () => resolve('ended'));
    call.on('error', (error: ServiceError) => resolve(String(error.metadata.get('runlane-code')[0] ?? error.code)));
  });
  call.on('data', ({ step }: execution.AttachResponse) => {
    const event = step?.$case === 'event' ? step.value.event : undefined;
    told.push(event?.$case ?? String(step?.$case));
  });
  call.write({ message: { $case: 'jobId', value: job.id } });
  await until('it is attached', () => told.length > 0);
  const messageOf = (input: JobInput): execution.AttachRequest['message'] => {
    if (input.type === 'stdin') return { $case: 'stdin', value: Buffer.from(input.data) };
    if (input.type === 'close_stdin') return { $case: 'closeStdin', value: {} };
    if (input.type === 'signal') return { $case: 'signal', value: { name: input.name } };
    return { $case: 'resize', value: { rows: input.rows, columns: input.columns } };
  };
  return {
    told,
    closed,
    send: (input) => call.write({ message: messageOf(input) }),
    sendNonsense: () => call.write({ message: undefined }),
    pause: () => call.pause(),
    resume: () => call.resume(),
    drop: () => call.cancel(),
  };
}

for (const [via, attach, good, nonsense] of [
  ['a WebSocket', overWebSocket, '1000 the job has ended', '1008 INVALID_REQUEST'],
  ['gRPC', overGrpc, 'ended', 'INVALID_REQUEST'],
] as const) {
  test(`over ${via}, input goes in as it was given, events come out, and the result ends it`, async () => {
    const job = await acceptedJob({ terminal: { rows: 24, columns: 80 } });
    const session = await attach(job);
    const inputs: JobInput[] = [
      { type: 'stdin', data: Buffer.from([0, 255, 10]) },
      { type: 'signal', name: 'SIGTERM' },
      { type: 'resize', rows: 50, columns: 132 },
      { type: 'close_stdin' },
    ];
    for (const input of inputs) session.send(input);
    assert.deepEqual(await inputsOf(job, inputs.length), inputs);
    await doors.ports.feed.append(job.id, { id: '1-1', type: 'stdout', data: Buffer.from('x') });
    await endsWell(job, 2);
    assert.equal(await session.closed, good);
    assert.deepEqual(session.told.slice(-2), ['stdout', 'result']);
    assert.equal(await statusOf(job), 'succeeded');
  });

  test(`over ${via}, an attachment that is lost cancels the job`, async () => {
    const job = await acceptedJob();
    (await attach(job)).drop();
    await isCancelled(job);
  });

  test(`over ${via}, what is no message ends the attachment and the job, and is told`, async () => {
    const job = await acceptedJob();
    const session = await attach(job);
    session.sendNonsense();
    assert.equal(await session.closed, nonsense);
    await isCancelled(job);
  });

  test(`over ${via}, a new size where there is no terminal is refused`, async () => {
    const session = await attach(await acceptedJob());
    session.send({ type: 'resize', rows: 24, columns: 80 });
    assert.equal(await session.closed, nonsense);
  });

  test(`over ${via}, more than 64 KiB of input in one message are refused`, async () => {
    const session = await attach(await acceptedJob());
    session.send({ type: 'stdin', data: Buffer.alloc(PIECE_BYTES) });
    session.send({ type: 'stdin', data: Buffer.alloc(PIECE_BYTES + 1) });
    assert.equal(await session.closed, nonsense);
  });

  test(`over ${via}, a job that has ended tells its result, to as many as ask`, async () => {
    const job = await acceptedJob();
    await doors.ports.store.finish(job.id, 1, aResult('succeeded', { wallTimeMs: 12 }));
    for (const session of [await attach(job), await attach(job)]) {
      assert.equal(await session.closed, good);
      assert.equal(session.told.at(-1), 'result');
    }
  });

  test(`over ${via}, a slow reader is sent no more than is on its way, and loses nothing`, async () => {
    const job = await acceptedJob();
    const session = await attach(job);
    session.pause();
    const data = Buffer.alloc(2 * PIECE_BYTES, 'x');
    for (let n = 1; n <= PIECES; n += 1) await doors.ports.feed.append(job.id, { id: `1-${n}`, type: 'stdout', data });
    await endsWell(job, PIECES + 1);
    let before = -1;
    await until('no more is taken', async () => {
      const still = taken === before;
      before = taken;
      await sleep(300);
      return still && taken === before;
    });
    assert.ok(taken < PIECES * 0.8, `${taken} of ${PIECES} were taken`);
    session.resume();
    assert.equal(await session.closed, good);
    assert.equal(session.told.filter((event) => event === 'stdout').length, PIECES);
  });

  test(`over ${via}, whoever floods is held back, and nothing of it is lost`, async () => {
    const job = await acceptedJob();
    const session = await attach(job);
    const piece = (n: number): JobInput => ({ type: 'stdin', data: Buffer.alloc(PIECE_BYTES, n % 251) });
    const { appendInput } = doors.ports.feed;
    let given = 0;
    doors.ports.feed.appendInput = async (...args) => {
      await appendInput(...args);
      given += 1;
    };
    try {
      for (let n = 0; n < PIECES; n += 1) session.send(piece(n));
      await until('as much waits as may', () => given >= MAX_WAITING_INPUT_BYTES / PIECE_BYTES);
      await sleep(300);
      assert.equal(given, MAX_WAITING_INPUT_BYTES / PIECE_BYTES);
      const inputs = await inputsOf(job, PIECES);
      assert.deepEqual(
        inputs.map((input) => input.type === 'stdin' && input.data[0]),
        Array.from({ length: PIECES }, (_, n) => n % 251),
      );
    } finally {
      doors.ports.feed.appendInput = appendInput;
    }
    session.drop();
    await isCancelled(job);
  });

  test(`over ${via}, a feed that fails ends the attachment and the job, and is told`, async () => {
    const job = await acceptedJob();
    const session = await attach(job);
    const { appendInput } = doors.ports.feed;
    doors.ports.feed.appendInput = async () => {
      throw new Error('away');
    };
    try {
      session.send({ type: 'close_stdin' });
      assert.match(await session.closed, /ATTACHMENT_LOST/);
    } finally {
      doors.ports.feed.appendInput = appendInput;
    }
    await isCancelled(job);
  });
}

interface Refusal {
  readonly status: number;
  readonly type: string | undefined;
  readonly code: string;
}

/** How the door answers a request for another protocol. */
async function refusalOf(
  path: string,
  headers: Record<string, string> = {},
  { method = 'GET', body = '' } = {},
): Promise<Refusal> {
  const asking = httpRequest({
    port: doors.httpPort,
    path,
    method,
    headers: {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==',
      ...headers,
    },
  });
  asking.on('upgrade', (_, socket) => socket.destroy());
  asking.end(body);
  const [response] = (await once(asking, 'response', { signal: AbortSignal.timeout(5_000) })) as [IncomingMessage];
  let text = '';
  for await (const chunk of response) text += chunk;
  const { code } = JSON.parse(text) as { code: string };
  return { status: response.statusCode ?? 0, type: response.headers['content-type'], code };
}

const PROBLEM = 'application/problem+json; charset=utf-8';

test('every refusal of a WebSocket is a problem document', async () => {
  const [job, plain] = [await acceptedJob(), await acceptedJob(null as never)];
  const path = `/v1/jobs/${job.id}/attach`;
  const unknown = aJob().id;
  const socket = webSocketTo(job);
  await once(socket, 'open');
  for (const [name, asked, expected] of [
    ['taken', refusalOf(path), [409, 'ALREADY_ATTACHED']],
    ['not interactive', refusalOf(`/v1/jobs/${plain.id}/attach`), [409, 'JOB_NOT_INTERACTIVE']],
    ['unknown', refusalOf(`/v1/jobs/${unknown}/attach`), [404, 'JOB_NOT_FOUND']],
    ['no id', refusalOf('/v1/jobs/7/attach'), [400, 'INVALID_REQUEST']],
    ['elsewhere', refusalOf('/v1/nothing'), [404, 'NOT_FOUND']],
    ['another origin', refusalOf(path, { Origin: 'https://evil.example' }), [403, 'FORBIDDEN_ORIGIN']],
    ['another site', refusalOf(path, { 'Sec-Fetch-Site': 'cross-site' }), [403, 'FORBIDDEN_ORIGIN']],
    ['another host', refusalOf(path, { Host: 'evil.example' }), [421, 'MISDIRECTED_HOST']],
    ['an old version', refusalOf(path, { 'Sec-WebSocket-Version': '7' }), [400, 'INVALID_REQUEST']],
    ['no key', refusalOf(path, { 'Sec-WebSocket-Key': 'x' }), [400, 'INVALID_REQUEST']],
    ['another method', refusalOf(path, {}, { method: 'DELETE' }), [405, 'METHOD_NOT_ALLOWED']],
    [
      'a body',
      refusalOf(
        '/v1/jobs',
        { 'Content-Type': 'application/json', 'Content-Length': '12' },
        { method: 'POST', body: '{"code":"1"}' },
      ),
      [400, 'INVALID_REQUEST'],
    ],
  ] as const) {
    const { status, type, code } = await asked;
    assert.deepEqual([status, code, type], [...expected, PROBLEM], name);
  }
  socket.terminate();
  await isCancelled(job);
});

test('without asking for a WebSocket, the route says what it is', async () => {
  const response = await fetch(`${doors.baseUrl}/v1/jobs/${(await acceptedJob()).id}/attach`);
  assert.equal(response.status, 400);
  assert.match(((await response.json()) as { detail: string }).detail, /WebSocket/);
});

test('asked for another protocol, every route answers as if it were not, bodies and the next request too', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ask = async (path: string, method: string, body: string) => {
    const headers = {
      Connection: 'Upgrade, HTTP2-Settings, keep-alive',
      Upgrade: 'h2c',
      'HTTP2-Settings': 'AAMAAABkAAQCAAAAAAIAAAAA',
      'Content-Type': 'application/json',
      'Content-Length': String(body.length),
    };
    const asking = httpRequest({ agent, port: doors.httpPort, path, method, headers });
    asking.end(body);
    const [response] = (await once(asking, 'response', { signal: AbortSignal.timeout(5_000) })) as [IncomingMessage];
    let text = '';
    for await (const chunk of response) text += chunk;
    return { status: response.statusCode, text, reused: asking.reusedSocket };
  };
  const made = await ask('/v1/jobs', 'POST', '{"code":"print(1)"}');
  assert.equal(made.status, 202);
  const { id } = JSON.parse(made.text) as { id: string };
  const cancelled = await ask(`/v1/jobs/${id}/cancel`, 'POST', '');
  assert.deepEqual([cancelled.status, cancelled.reused], [202, true]);
  agent.destroy();
});

test('a WebSocket that is refused leaves no connection behind, whatever its client does', async () => {
  const socket = connect({ port: doors.httpPort, host: '127.0.0.1', allowHalfOpen: true });
  const lines = ['GET /v1/jobs/7/attach HTTP/1.1', 'Host: localhost', 'Connection: Upgrade', 'Upgrade: websocket'];
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  await once(socket.resume(), 'end');
  // Not closed from here: a connection that is closed there answers what is still sent by a reset.
  const closed = once(socket, 'close', { signal: AbortSignal.timeout(5_000) }).catch((error: Error) => error);
  const writing = setInterval(() => socket.write('more'), 20);
  const outcome = await closed;
  clearInterval(writing);
  assert.match((outcome as NodeJS.ErrnoException).code ?? '', /ECONNRESET|EPIPE/);
});

test('a message that is too long closes the WebSocket with 1009', async () => {
  const job = await acceptedJob();
  const socket = webSocketTo(job);
  await once(socket, 'open');
  socket.send(Buffer.alloc(200_000));
  const [code] = (await once(socket, 'close')) as [number];
  assert.equal(code, 1009);
  await isCancelled(job);
});

test('text is standard input too, and base64 of it', async () => {
  const job = await acceptedJob();
  const socket = webSocketTo(job);
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'stdin', data: 'é\n' }));
  socket.send(JSON.stringify({ type: 'stdin', data: '/wA=', encoding: 'base64' }));
  const inputs = await inputsOf(job, 2);
  assert.deepEqual(
    inputs.map((input) => input.type === 'stdin' && Buffer.from(input.data).toString('hex')),
    ['c3a90a', 'ff00'],
  );
  socket.terminate();
  await isCancelled(job);
});

test('over gRPC, a program is submitted and attached to in one, and only an interactive one', async () => {
  const submitted = (program: Partial<execution.Program>) => {
    const call: Call = client.attach();
    const answer = new Promise<execution.Job | string>((resolve) => {
      call.on('data', ({ step }: execution.AttachResponse) => step?.$case === 'job' && resolve(step.value));
      call.on('error', (error: ServiceError) => resolve(error.details));
    });
    const value = execution.SubmitRequest.fromPartial({ program });
    call.write({ message: { $case: 'submit', value } });
    return { call, answer };
  };
  const refused = await submitted({ code: '1' }).answer;
  assert.equal(refused, 'program.interactive: must be set, for a program to attach to');
  const { call, answer } = submitted({ code: '1', interactive: { terminal: undefined } });
  const job = await answer;
  assert.ok(typeof job === 'object' && job.id);
  call.end();
  assert.deepEqual(await inputsOf(job as never, 1), [{ type: 'close_stdin' }]);
  call.cancel();
  await isCancelled(job as never);
});

test('a terminal where the language has none is a bad field, and so is one without a size', async () => {
  const submit = async (interactive: unknown, cases?: unknown) => {
    const body = JSON.stringify({ code: '1', interactive, cases });
    const headers = { 'Content-Type': 'application/json' };
    return (await (await fetch(`${doors.baseUrl}/v1/jobs`, { method: 'POST', headers, body })).json()) as {
      detail?: string;
    };
  };
  assert.equal((await submit({ terminal: { rows: 24, columns: 80 } })).detail, undefined);
  assert.match(
    (await submit({ terminal: { rows: 0 } })).detail ?? '',
    /interactive\.terminal\.rows: .*interactive\.terminal\.columns: /,
  );
  assert.match((await submit({}, [{}])).detail ?? '', /(^|; )interactive: is for a program that somebody talks to/);
  assert.match((await submit(true)).detail ?? '', /^interactive: /);
  const without = await openTestDoors({}, { terminal: false });
  try {
    const headers = { 'Content-Type': 'application/json' };
    const body = JSON.stringify({ code: '1', interactive: { terminal: { rows: 24, columns: 80 } } });
    const response = await fetch(`${without.baseUrl}/v1/jobs`, { method: 'POST', headers, body });
    assert.equal(response.status, 400);
    assert.match(
      ((await response.json()) as { detail: string }).detail,
      /^interactive\.terminal: python is not run in a terminal here/,
    );
  } finally {
    await without.close();
  }
});

test('a server that stops ends its attachments, says so, and cancels their jobs', async () => {
  const stopping = await openTestDoors();
  const job = aJob();
  const accepted = { ...job, program: { ...job.program, interactive: {} } };
  await stopping.ports.store.insert(accepted);
  const socket = new WebSocket(`ws://127.0.0.1:${stopping.httpPort}/v1/jobs/${job.id}/attach`);
  await once(socket, 'open');
  const closed = once(socket, 'close');
  const cancelled = new Promise<string>((resolve) => {
    const { cancel } = stopping.ports.store;
    stopping.ports.store.cancel = (id) => {
      resolve(id);
      return cancel(id);
    };
  });
  await stopping.close();
  assert.equal((await closed)[0], 1001);
  assert.equal(await cancelled, job.id);
});
