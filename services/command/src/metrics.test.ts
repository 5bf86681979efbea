/** What Prometheus gets of command: every door's answers by route and method, and the ports behind them. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { until } from '@runlane/core/testing';
import { openTestDoors, type TestDoors } from './testing/command-doors.js';

const UNKNOWN = '01890a5d-ac96-774b-bcce-b302099a8057';

let doors: TestDoors;
before(async () => {
  doors = await openTestDoors();
});
after(() => doors.close());

const metrics = async () => (await fetch(`${doors.baseUrl}/metrics`)).text();

async function figureOf(series: string): Promise<number> {
  const line = (await metrics()).split('\n').find((each) => each.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1) ?? 0);
}

test('requests are counted by the pattern of their route, and what no route answers in one series', async () => {
  await fetch(`${doors.baseUrl}/v1/jobs/${UNKNOWN}`);
  await fetch(`${doors.baseUrl}/v1/jobs/${UNKNOWN.replace('a', 'b')}`);
  await fetch(`${doors.baseUrl}/made/up/${UNKNOWN}`);
  const counted = (labels: string) => figureOf(`runlane_http_request_duration_seconds_count{${labels}}`);
  await until('both are counted', async () => (await counted('method="GET",route="/v1/jobs/:id",status="404"')) === 2);
  assert.equal(await counted('method="GET",route="none",status="404"'), 1);
  assert.ok(!(await metrics()).includes(UNKNOWN));
});

test('calls are counted by method and code', async () => {
  await new Promise((resolve) => doors.client.get({ jobId: UNKNOWN }, resolve));
  await new Promise((resolve) => doors.client.listLanguages({}, resolve));
  const counted = (method: string, code: string) =>
    figureOf(
      `runlane_grpc_call_duration_seconds_count{method="/runlane.v1.ExecutionService/${method}",code="${code}"}`,
    );
  assert.equal(await counted('Get', 'NOT_FOUND'), 1);
  assert.equal(await counted('ListLanguages', 'OK'), 1);
});

test('jobs that are accepted, those that are unfinished and those who watch are counted', async () => {
  const submit = (path: string, body: object) =>
    fetch(`${doors.baseUrl}${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
  const { id } = (await (await submit('/v1/jobs', { code: '' })).json()) as { id: string };
  await submit('/v1/batches', { jobs: [{ code: '' }, { code: '' }] });
  assert.equal(await figureOf('runlane_jobs_accepted_total{language="python"}'), 3);
  assert.equal(await figureOf('runlane_jobs_unfinished'), 3);
  const leaving = new AbortController();
  const watched = await fetch(`${doors.baseUrl}/v1/jobs/${id}/events`, { signal: leaving.signal });
  assert.equal(await figureOf('runlane_watchers'), 1);
  leaving.abort();
  await watched.text().catch(() => undefined);
  await until('the watcher is gone', async () => (await figureOf('runlane_watchers')) === 0);
});

test('what the ports answer is measured, failures apart', async () => {
  const counted = (outcome: string) =>
    figureOf(`runlane_port_duration_seconds_count{port="store",operation="get",outcome="${outcome}"}`);
  const before = await counted('ok');
  await fetch(`${doors.baseUrl}/v1/jobs/${UNKNOWN}`);
  assert.ok((await counted('ok')) > before);
  assert.equal(await counted('failed'), 0);
});
