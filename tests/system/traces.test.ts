/** One trace a job, as a collector gets it of the whole platform: below the client's own, through both queues, to the sandbox. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { Metadata } from '@grpc/grpc-js';
import { createClient } from '@runlane/client';
import { execution, type JobJson } from '@runlane/contract';
import {
  type CollectedSpan,
  type Collector,
  faultsOfTrace,
  skipWithout,
  startCollector,
  until,
} from '@runlane/core/testing';
import { Redis } from 'ioredis';
import { restDoor } from './doors.js';
import { type Platform, startDistributed, startEmbedded, temporaryFolder } from './platforms.js';
import { pidOf } from './processes.js';
import { answer, type Receiver, startReceiver } from './receiver.js';

/** What no span may hold, wherever it is put in a program. */
const SECRET = 'heron4711';
const hex = (bytes: number) => randomBytes(bytes).toString('hex');

/** Every job's: of what is compiled or saved for the first time there is `prepare` too. */
const WAY = [
  'RunnerService/Execute',
  'accept',
  'admit',
  'execute',
  'program',
  'result',
  'run',
  'sandbox',
  'save',
  'submit',
  'wait code-exec',
  'wait code-save',
];
const PARENTS: Readonly<Record<string, string>> = {
  accept: 'submit',
  'wait code-save': 'submit',
  save: 'submit',
  prepare: 'save',
  'RunnerService/Prepare': 'prepare',
  'wait code-exec': 'submit',
  execute: 'submit',
  admit: 'execute',
  'RunnerService/Execute': 'execute',
  sandbox: 'RunnerService/Execute',
  program: 'RunnerService/Execute',
  run: 'execute',
  result: 'submit',
  'wait code-callback': 'submit',
  callback: 'submit',
};

const namesOf = (spans: readonly CollectedSpan[]) => [...new Set(spans.map(({ name }) => name))].toSorted();
const attemptOf = ({ attributes }: CollectedSpan) => attributes['runlane.attempt'];

/** Every span of a trace once those with these names are there, and nothing more has come for a while. */
async function traceOf(
  collector: Collector,
  traceId: string,
  names: readonly string[] = WAY,
): Promise<CollectedSpan[]> {
  const spans = () => collector.spans.filter((span) => span.traceId === traceId);
  const missing = () => names.filter((name) => !spans().some((span) => span.name === name));
  await until('every span is told of', () => missing().length === 0, 60_000).catch((cause) => {
    throw new Error(`${traceId} lacks ${missing()}, has ${spans().map(({ name }) => name)}`, { cause });
  });
  return spans();
}

function assertWhole(spans: readonly CollectedSpan[], client?: string): void {
  assert.deepEqual(faultsOfTrace(spans, client), []);
  for (const span of spans.filter(({ name }) => name !== 'submit')) {
    const parent = spans.find(({ spanId }) => spanId === span.parentSpanId);
    assert.equal(parent?.name, PARENTS[span.name], `what "${span.name}" is below`);
  }
}

async function submitRest({ baseUrl }: Platform, program: object, traceparent?: string): Promise<string> {
  const response = await fetch(`${baseUrl}/v1/jobs`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Prefer: 'wait=30', ...(traceparent && { traceparent }) },
    body: JSON.stringify(program),
  });
  const job = (await response.json()) as JobJson;
  assert.equal(job.status, 'succeeded', JSON.stringify(job));
  return job.id;
}

function runGrpc({ client }: Platform, code: string, traceparent: string): Promise<string> {
  const metadata = new Metadata();
  metadata.set('traceparent', traceparent);
  const call = client.run(execution.RunRequest.fromPartial({ program: { code } }), metadata);
  let id = '';
  return new Promise((resolve, reject) => {
    call.on('data', ({ step }: execution.RunResponse) => {
      if (step?.$case === 'job') id = step.value.id;
    });
    call.on('error', reject);
    call.on('end', () => resolve(id));
  });
}

/** The trace that a job was put in, by a span of its own. */
async function traceIdOfJob(collector: Collector, id: string, by = 'submit'): Promise<string> {
  const find = () => collector.spans.find(({ name, attributes }) => name === by && attributes['runlane.job.id'] === id);
  await until(`job ${id} is traced`, () => find() !== undefined, 60_000);
  return find()?.traceId ?? '';
}

function testTraces(
  form: string,
  start: (env: NodeJS.ProcessEnv) => Promise<Platform>,
  services: readonly string[],
): void {
  describe(`the ${form} platform`, {
    skip: form === 'distributed' && skipWithout('redis-server', 'mongo-wire'),
  }, () => {
    let collector: Collector;
    let receiver: Receiver;
    let platform: Platform;
    before(async () => {
      collector = await startCollector();
      receiver = await startReceiver();
      platform = await start({
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
        OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=birds',
        LEASE_SECONDS: '6',
        RECONCILE_SECONDS: '1',
        LOG_LEVEL: 'info',
        WEBHOOKS: 'on',
        WEBHOOK_SECRET: `whsec_${Buffer.alloc(32, 1).toString('base64')}`,
        WEBHOOK_ALLOW_HTTP: '1',
        WEBHOOK_ALLOWED_NETWORKS: '127.0.0.0/8',
        WEBHOOK_RETRY_SECONDS: '1',
      });
    });
    after(async () => {
      await platform.stop();
      await receiver.stop();
      await collector.stop();
    });

    test("a job over REST is one trace, below the client's own, and nothing of its program is in it", async () => {
      const [traceId, client] = [hex(16), hex(8)];
      const program = {
        files: [{ path: `${SECRET}.py`, content: `import sys, os\nprint("${SECRET}", sys.argv, os.environ, input())` }],
        stdin: `${SECRET}\n`,
        args: [SECRET],
        env: { [SECRET]: SECRET },
        metadata: { note: SECRET },
      };
      const id = await submitRest(platform, program, `00-${traceId}-${client}-01`);
      const spans = await traceOf(collector, traceId, [...WAY, 'prepare', 'RunnerService/Prepare']);
      assertWhole(spans, client);
      assert.deepEqual(namesOf(spans), [...WAY, 'prepare', 'RunnerService/Prepare'].toSorted());
      assert.equal(spans.length, namesOf(spans).length);
      assert.deepEqual([...new Set(spans.map(({ service }) => service))].toSorted(), services);
      assert.equal(spans.find(({ name }) => name === 'submit')?.attributes['runlane.job.id'], id);
      assert.equal(collector.headers['x-tenant'], 'birds');
      const sent = collector.bodies.join('\n');
      assert.ok(!sent.includes(SECRET));
      // And it is there that it would have been.
      assert.ok(sent.includes(id) && sent.includes(traceId));
    });

    test("a job over gRPC is one trace, below the client's own; the same source again is not prepared again", async () => {
      const code = 'print("grpc")';
      for (const prepared of [['RunnerService/Prepare', 'prepare'], []]) {
        const [traceId, client] = [hex(16), hex(8)];
        await runGrpc(platform, code, `00-${traceId}-${client}-01`);
        const spans = await traceOf(collector, traceId);
        assertWhole(spans, client);
        assert.deepEqual(
          namesOf(spans).filter((name) => !WAY.includes(name)),
          prepared,
        );
      }
    });

    test('jobs of clients that do not trace are a trace each', async () => {
      const ids = await Promise.all([1, 2, 3].map((n) => submitRest(platform, { code: `print(${n})` })));
      const traceIds = await Promise.all(ids.map((id) => traceIdOfJob(collector, id)));
      assert.equal(new Set(traceIds).size, 3);
      for (const traceId of traceIds) assertWhole(await traceOf(collector, traceId));
    });

    test('a job that its client does not want sampled is not', async () => {
      const traceId = hex(16);
      const before = await submitRest(platform, { code: 'print("unseen")' }, `00-${traceId}-${hex(8)}-00`);
      // One that is, after it: by then the other would have come.
      const id = await submitRest(platform, { code: 'print("seen")' });
      await traceOf(collector, await traceIdOfJob(collector, id));
      assert.ok(!collector.bodies.join().includes(before) && !collector.bodies.join().includes(traceId));
    });

    test("a job's callback is in its trace, and the log's lines about it name that", async () => {
      receiver.on(`/${SECRET}`, (response, n) => answer(n === 1 ? 500 : 204)(response, n));
      const traceId = hex(16);
      const client = hex(8);
      const program = { code: 'print("called")', callbackUrl: receiver.url(`/${SECRET}`) };
      await submitRest(platform, program, `00-${traceId}-${client}-01`);
      await until('it was called twice', () => receiver.at(`/${SECRET}`).length === 2, 60_000);
      const calls = () => collector.spans.filter((span) => span.traceId === traceId && span.name === 'callback');
      await until('both calls are told of', () => calls().length === 2, 30_000);
      assertWhole(await traceOf(collector, traceId, [...WAY, 'callback', 'wait code-callback']), client);
      assert.deepEqual(
        calls()
          .toSorted((a, b) => a.startMs - b.startMs)
          .map(({ failed, attributes }) => [
            attributes['runlane.call'],
            attributes['http.response.status_code'],
            failed,
          ]),
        [
          [1, 500, true],
          [2, 204, false],
        ],
      );
      assert.ok(!collector.bodies.join().includes(SECRET));
      const lines = Object.values(platform.processes).flatMap(({ log }) => log);
      const line = lines.find((each) => each.includes('a callback did not take it'));
      assert.equal((JSON.parse(line ?? '{}') as { traceId?: string }).traceId, traceId);
    });

    test('control: the checker sees where a span of a real trace is below one that is not there', async () => {
      const id = await submitRest(platform, { code: 'print("control")' });
      const spans = await traceOf(collector, await traceIdOfJob(collector, id));
      assertWhole(spans);
      for (const lost of ['submit', 'execute', 'RunnerService/Execute']) {
        const without = spans.filter(({ name }) => name !== lost);
        assert.throws(() => assertWhole(without), lost);
      }
      const swapped = spans.map((span) =>
        span.name === 'program' ? { ...span, parentSpanId: spans[0]?.spanId } : span,
      );
      assert.throws(() => assertWhole(swapped));
    });

    if (form !== 'distributed') return;

    test('jobs that are queued anew after Redis was emptied stay in their traces', async () => {
      const redis = new Redis(platform.redis?.url ?? '');
      try {
        const client = createClient({ server: platform.baseUrl });
        const code = 'import time; time.sleep(0.5); print(1)';
        const jobs = await Promise.all(Array.from({ length: 20 }, () => client.submit({ code })));
        await redis.flushall();
        for (const { id } of jobs) {
          // Where the store was slow, the client has sent the same again: that is a trace without a job.
          const traceId = await traceIdOfJob(collector, id, 'execute');
          await traceOf(collector, traceId);
          const spans = () => onceTold(collector.spans.filter((span) => span.traceId === traceId));
          // A delivery that was repeated has the runner make a sandbox for nothing, and that is told of in its own time.
          await until('all of it is told of', () => faultsOfTrace(spans()).length === 0, 30_000).catch(() => undefined);
          assertWhole(spans());
          const ofJob = collector.spans.filter(({ attributes }) => attributes['runlane.job.id'] === id);
          const elsewhere = ofJob.filter((span) => span.traceId !== traceId && span.name !== 'submit');
          assert.deepEqual(elsewhere, []);
        }
      } finally {
        redis.disconnect();
      }
    });

    test('a job whose worker is killed has two attempts in one trace', async () => {
      const door = restDoor(platform);
      const [traceId, client] = [hex(16), hex(8)];
      const slow = { code: 'import time\nprint("slow")\ntime.sleep(4)\nprint("done")' };
      const response = await fetch(`${platform.baseUrl}/v1/jobs`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', traceparent: `00-${traceId}-${client}-01` },
        body: JSON.stringify(slow),
      });
      const { id } = (await response.json()) as JobJson;
      await until('the job runs', async () => (await door.get(id)).status === 'running', 30_000);
      // What a process has not sent dies with it.
      await traceOf(collector, traceId, ['submit', 'save', 'prepare', 'admit']);
      process.kill(await pidOfBusyWorker(platform), 'SIGKILL');
      await until('the job ended', async () => (await door.get(id)).status === 'succeeded', 60_000);
      const executes = () => collector.spans.filter((span) => span.traceId === traceId && span.name === 'execute');
      await until('both attempts are told of', () => executes().length === 2, 60_000);
      const spans = await traceOf(collector, traceId);
      assertWhole(spans, client);
      const [lost, second] = executes().toSorted((a, b) => a.startMs - b.startMs);
      assert.ok(lost && second);
      assert.deepEqual([lost.failed, lost.attributes['error.type'], second.failed], [true, 'worker_lost', false]);
      assert.deepEqual([attemptOf(lost), attemptOf(second)], [1, 2]);
      // What the runner did for the one that was lost is below it.
      for (const { spanId } of [lost, second]) {
        const below = spans.filter(({ parentSpanId }) => parentSpanId === spanId);
        assert.ok(below.some(({ name }) => name === 'RunnerService/Execute'));
      }
    });
  });
}

/** On a slow machine a lease may run out though its worker lives: then both tell of that attempt. */
function onceTold(spans: readonly CollectedSpan[]): CollectedSpan[] {
  const toldTwice = (span: CollectedSpan) =>
    span.attributes['error.type'] === 'worker_lost' &&
    spans.some((other) => other !== span && other.spanId === span.spanId);
  return spans.filter((span) => !toldTwice(span));
}

/** Of the one worker that runs something. */
async function pidOfBusyWorker(platform: Platform): Promise<number> {
  for (const [name, started] of Object.entries(platform.processes)) {
    if (!name.startsWith('worker')) continue;
    const metrics = await (await fetch(`http://127.0.0.1:${started.said.httpPort}/metrics`)).text();
    const used = /^runlane_runner_slots\{kind="used"\} (\d+)$/m.exec(metrics)?.[1];
    if (Number(used) > 0) return pidOf(started);
  }
  throw new Error('no worker runs anything');
}

let folder: string;
before(async () => {
  folder = await temporaryFolder();
});
after(() => rm(folder, { recursive: true, force: true }));

testTraces('embedded', (env) => startEmbedded(folder, env), ['runlane-platform', 'runlane-runner']);
testTraces('distributed', (env) => startDistributed({ env }), ['runlane-command', 'runlane-runner', 'runlane-worker']);
