/** Spans as a collector gets them, and nothing at all where there is none. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { createCloser } from '../closer.js';
import { type Collector, faultsOfTrace, startCollector } from '../testing/collector.js';
import { openTracing } from './open-tracing.js';
import { inSpan, inTrace, rememberTrace, type Span, tellSpan, traceOfJob, useTracer } from './tracing.js';

const log = pino({ level: 'silent' });
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CLIENT = 'b7ad6b7169203331';
const SAMPLED = `00-${TRACE}-${CLIENT}-01`;
const NOT_SAMPLED = `00-${TRACE}-${CLIENT}-00`;

const nothing = async () => undefined;

describe('where there is a collector', () => {
  let collector: Collector;
  const { OTEL_EXPORTER_OTLP_ENDPOINT: before } = process.env;

  /** Trace something, and send it. */
  async function traced(work: () => Promise<unknown>, env: NodeJS.ProcessEnv = {}): Promise<void> {
    const closer = createCloser({ graceMs: 10_000, log });
    await openTracing('test', { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, ...env }, { closer, log });
    await work();
    await closer.close();
  }

  beforeEach(async () => {
    collector = await startCollector();
    // The exporter reads it there.
    process.env.OTEL_EXPORTER_OTLP_ENDPOINT = collector.endpoint;
  });
  afterEach(async () => {
    useTracer(undefined);
    if (before === undefined) delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
    else process.env.OTEL_EXPORTER_OTLP_ENDPOINT = before;
    await collector.stop();
  });

  test("spans go below the client's, and theirs below them, also by way of a header", async () => {
    await traced(() =>
      inTrace(
        'first',
        SAMPLED,
        async (span) => {
          span.tell({ 'runlane.jobs': 1 });
          await inSpan('second', span.place, ({ place }) => inSpan('third', place, nothing));
        },
        { kind: 'server' },
      ),
    );
    assert.deepEqual(faultsOfTrace(collector.spans, CLIENT), []);
    const [third, second, first] = collector.spans;
    assert.deepEqual([first?.name, first?.traceId, first?.parentSpanId], ['first', TRACE, CLIENT]);
    assert.deepEqual([first?.service, first?.attributes], ['runlane-test', { 'runlane.jobs': 1 }]);
    assert.deepEqual([second?.parentSpanId, third?.parentSpanId], [first?.spanId, second?.spanId]);
  });

  for (const [what, place] of [
    ['none', undefined],
    ['one of zeros', `00-${'0'.repeat(32)}-${CLIENT}-01`],
    ['no traceparent at all', 'print("a secret")'],
  ] as const) {
    test(`a new trace begins where the client's place is ${what}`, async () => {
      await traced(() => inTrace('first', place, nothing));
      assert.deepEqual(faultsOfTrace(collector.spans), []);
      assert.notEqual(collector.spans[0]?.traceId, TRACE);
      assert.ok(!collector.bodies.join().includes('secret'));
    });
  }

  test('below no place there is no span: what began untraced stays so', async () => {
    await traced(() => inSpan('alone', undefined, nothing));
    assert.deepEqual(collector.spans, []);
  });

  test('what a client does not sample is not sent, though its place goes on', async () => {
    let seen: Span['place'];
    await traced(() =>
      inTrace('first', NOT_SAMPLED, async ({ place }) => {
        seen = place;
        await inSpan('second', place, nothing);
      }),
    );
    assert.deepEqual(collector.spans, []);
    assert.match(seen ?? '', new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`));
  });

  test('of traces that begin here as many are kept as is said, and those of clients that sample all', async () => {
    const env = { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' };
    await traced(async () => {
      await inTrace('ours', undefined, nothing);
      await inTrace("a client's", SAMPLED, nothing);
    }, env);
    assert.deepEqual(
      collector.spans.map(({ name }) => name),
      ["a client's"],
    );
  });

  test('an error ends its span as failed, by its word and not by its message', async () => {
    const error = Object.assign(new Error('no such file: secret.py'), { failure: 'refused' });
    await traced(() => assert.rejects(inTrace('first', undefined, () => Promise.reject(error))));
    assert.deepEqual([collector.spans[0]?.failed, collector.spans[0]?.attributes], [true, { 'error.type': 'refused' }]);
    assert.ok(!collector.bodies.join().includes('secret'));
  });

  test('another may tell of a span that was lost: what was below it still is', async () => {
    await traced(() =>
      inTrace('first', undefined, async ({ place: first }) => {
        const lost = `${first?.slice(0, 36)}${CLIENT}-01`;
        await inSpan('below', lost, nothing);
        tellSpan('lost', first, { place: lost, startedAtMs: 5_000, endedAtMs: 7_000, failure: 'worker_lost' });
        await inSpan('another', first, nothing);
      }),
    );
    assert.deepEqual(faultsOfTrace(collector.spans), []);
    const lost = collector.spans.find(({ name }) => name === 'lost');
    assert.deepEqual([lost?.spanId, lost?.startMs, lost?.endMs, lost?.failed], [CLIENT, 5_000, 7_000, true]);
    assert.notEqual(collector.spans.find(({ name }) => name === 'another')?.spanId, CLIENT);
  });

  test('the log knows the trace of a job that has come by', async () => {
    await traced(async () => rememberTrace({ id: 'j1', trace: SAMPLED }));
    assert.deepEqual([traceOfJob('j1'), traceOfJob('j2'), traceOfJob(undefined)], [{ traceId: TRACE }, {}, {}]);
  });

  for (const [what, answer] of [
    ['refuses', (response: ServerResponse) => void response.writeHead(400).end()],
    ['does not answer', () => undefined],
  ] as const) {
    test(`a collector that ${what} holds nobody up, and the log says so once`, async () => {
      const lines: string[] = [];
      const told = pino({}, { write: (line: string) => void lines.push(line) });
      const server = createServer((_request, response) => answer(response)).listen(0, '127.0.0.1');
      await once(server, 'listening');
      process.env.OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const closer = createCloser({ graceMs: 30_000, log: told });
      await openTracing('test', process.env, { closer, log: told });
      const startedAtMs = performance.now();
      for (let n = 0; n < 20_000; n += 1) await inTrace('first', undefined, nothing);
      await closer.close();
      const tookMs = performance.now() - startedAtMs;
      server.closeAllConnections();
      server.close();
      assert.ok(tookMs < 20_000, `${tookMs} ms`);
      assert.equal(lines.length, 1, lines.join(''));
      assert.match(lines[0] ?? '', /traces are not delivered/);
    });
  }

  test('control: a span below one that is not there is noticed, as are two firsts, and one id twice', async () => {
    await traced(() => inTrace('first', undefined, ({ place }) => inSpan('second', place, nothing)));
    const [second, first] = collector.spans;
    assert.ok(first && second);
    const faults = (...spans: (typeof first)[]) => faultsOfTrace(spans).join();
    assert.equal(faults(first, second), '');
    assert.match(faults(first, { ...second, parentSpanId: CLIENT }), /"second" is below b7ad6b7169203331/);
    assert.match(faults(first, { ...second, parentSpanId: undefined }), /2 first spans/);
    assert.match(faults(first, second, second), /1 span ids are there twice/);
    assert.match(faults(first, { ...second, endMs: 0 }), /ends before it begins/);
    assert.match(faults(second), /0 first spans/);
  });
});

/** Modules of OpenTelemetry's SDK (its API alone comes with the library of metrics) that a process has loaded which began to trace, or did not, as its environment says. */
async function loaded(env: NodeJS.ProcessEnv): Promise<number> {
  const script = `
    import { createRequire } from 'node:module';
    import '${new URL('../index.js', import.meta.url)}';
    import { openTracing } from '${new URL('./open-tracing.js', import.meta.url)}';
    await openTracing('test', process.env, { closer: { add() {} }, log: undefined });
    const { cache } = createRequire(import.meta.url);
    console.log(Object.keys(cache).length, Object.keys(cache).filter((path) => /@opentelemetry\\/(?!api\\/)/.test(path)).length);
    process.exit();`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    env: { PATH: process.env.PATH, ...env },
  });
  const [all = 0, ofOtel = 0] = stdout.split(' ').map(Number);
  assert.ok(all > 100, stdout);
  return ofOtel;
}

test("without a collector, nothing of OpenTelemetry's SDK is loaded, and there are no spans", async () => {
  assert.equal(await loaded({}), 0);
  const seen: Span[] = [];
  await inTrace('first', SAMPLED, async (span) => void seen.push(span));
  await inSpan('second', SAMPLED, async (span) => void seen.push(span));
  assert.deepEqual(
    seen.map(({ place }) => place),
    [undefined, undefined],
  );
});

test('control: with one, it is', async () => {
  assert.ok((await loaded({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' })) > 10);
});
