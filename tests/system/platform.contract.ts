/** What users see, through both doors: the same on every form of the platform. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { execution, type JobJson } from '@runlane/contract';
import { findServer, skipWithout, until } from '@runlane/core/testing';
import { type Door, grpcDoor, type ProgramJson, Refused, readEvents, restDoor, unary } from './doors.js';
import type { Platform, Started } from './platforms.js';
import { SCENARIOS, type Scenario } from './scenarios.js';

const run = promisify(execFile);

/** A platform that runs, whoever started it. */
export type Running = Pick<Platform, 'baseUrl' | 'grpcAddress' | 'client' | 'workerUrls'> & {
  /** What each process wrote to its log so far. */
  readonly processes: Readonly<Record<string, Pick<Started, 'log'>>>;
};

export interface Form {
  readonly name: string;
  /** Called when the tests run. */
  platform(): Running;
  /** It has no language that is compiled. */
  readonly interpretedOnly?: boolean;
}

export function testPlatform(form: Form): void {
  const platform = (): Running => form.platform();

  for (const makeDoor of [restDoor, grpcDoor]) {
    const door = (): Door => makeDoor(platform());
    const via = makeDoor === restDoor ? 'REST' : 'gRPC';

    for (const scenario of SCENARIOS) {
      test(`over ${via}, a program that ${scenario.name}`, async () => {
        const { ended } = await door().watch(await door().submit(scenario.program));
        check(scenario, ended);
        check(scenario, await door().get(ended.id));
      });
    }

    test(`over ${via}, output arrives while the program runs`, async () => {
      const code = 'import time\nfor i in range(3):\n    print(i)\n    time.sleep(1)';
      const { stdout, endedAtMs } = await door().watch(await door().submit({ code }));
      assert.equal(stdout.map(({ text }) => text).join(''), '0\n1\n2\n');
      const digits = stdout.filter(({ text }) => text.trim() !== '');
      // A line a second: each came at least half a second before the next, and the last well before the end.
      const times = [...digits.map(({ atMs }) => atMs), endedAtMs];
      for (const [index, atMs] of times.slice(1).entries()) assert.ok(atMs - (times[index] ?? 0) > 500, `${times}`);
    });

    test(`over ${via}, a job can be cancelled while it runs, and keeps its output`, async () => {
      const id = await door().submit({
        code: 'import time\nprint("started")\ntime.sleep(60)',
        limits: { wallTimeMs: 60_000 },
      });
      const watched = door().watch(id);
      await until('the job runs', async () => (await door().get(id)).status === 'running');
      await until('its output is out', async () => {
        const events = await fetch(`${platform().baseUrl}/v1/jobs/${id}/events`);
        for await (const { event } of readEvents(events)) if (event === 'stdout') return true;
        return false;
      });
      await door().cancel(id);
      const { ended, endedAtMs } = await watched;
      assert.equal(ended.status, 'cancelled');
      assert.equal(ended.stdout.toString(), 'started\n');
      assert.ok(endedAtMs < 30_000);
    });

    test(`over ${via}, the same key gives the same job, and with another program a refusal`, async () => {
      const key = `key-${via}-${form.name}`;
      const first = await door().submit({ code: 'print(1)' }, key);
      assert.equal(await door().submit({ code: 'print(1)' }, key), first);
      await assert.rejects(door().submit({ code: 'print(2)' }, key), refusal('IDEMPOTENCY_MISMATCH'));
    });

    test(`over ${via}, what is wrong is refused by name`, async () => {
      const unknown = '01890a5d-ac96-774b-bcce-b302099a8057';
      await assert.rejects(
        door().submit({ code: 'x', language: 'cobol' }),
        refusal('INVALID_REQUEST', /language.*cobol.*python/),
      );
      await assert.rejects(
        door().submit({ code: 'x', limits: { wallTimeMs: 86_400_000 } }),
        refusal('INVALID_REQUEST', /limits\.wallTimeMs: must be at most/),
      );
      await assert.rejects(
        door().submit({ files: [{ path: '../x', content: '' }] }),
        refusal('INVALID_REQUEST', /files\[0\]\.path/),
      );
      await assert.rejects(door().get(unknown), refusal('JOB_NOT_FOUND', new RegExp(unknown)));
      await assert.rejects(door().get('no-id'), refusal('INVALID_REQUEST', /UUIDv7/));
    });

    test(`over ${via}, fifty jobs at once all end`, async () => {
      const ids = await Promise.all(
        Array.from({ length: 50 }, (_, i) =>
          submitPatiently(door(), { code: `print(${i})` }, `fifty-${via}-${form.name}-${i}`),
        ),
      );
      const all = await Promise.all(ids.map((id) => watchPatiently(door(), id)));
      assert.deepEqual(
        all.map(({ ended }) => ended.stdout.toString()),
        ids.map((_, i) => `${i}\n`),
      );
    });
  }

  async function runToEnd(program: ProgramJson): Promise<JobJson> {
    const door = restDoor(platform());
    const { ended } = await door.watch(await door.submit(program));
    return (await (await fetch(`${platform().baseUrl}/v1/jobs/${ended.id}`)).json()) as JobJson;
  }

  test('a watcher that comes back goes on after the event that it saw last', async () => {
    const door = restDoor(platform());
    const code = 'import time\nfor i in range(4):\n    print(i)\n    time.sleep(0.3)';
    const id = await door.submit({ code });
    const url = `${platform().baseUrl}/v1/jobs/${id}/events`;
    let lastEventId = '';
    let output = '';
    for await (const { id: eventId, event, data } of readEvents(await fetch(url))) {
      if (event !== 'stdout') continue;
      output += data.text;
      lastEventId = eventId ?? '';
      if (output === '0\n1\n') break;
    }
    for await (const { event, data } of readEvents(await fetch(url, { headers: { 'Last-Event-ID': lastEventId } }))) {
      if (event === 'stdout') output += data.text;
      assert.notEqual(event, 'gap');
    }
    assert.equal(output, '0\n1\n2\n3\n');
  });

  test('who comes after the end gets the whole output, and who saw the result gets nothing more', async () => {
    const door = restDoor(platform());
    const { ended } = await door.watch(await door.submit({ code: 'print(7)' }));
    const url = `${platform().baseUrl}/v1/jobs/${ended.id}/events`;
    const events = [];
    for await (const event of readEvents(await fetch(url))) events.push(event);
    assert.deepEqual(
      events.map(({ event }) => event),
      ['status', 'stdout', 'result'],
    );
    const again = await fetch(url, { headers: { 'Last-Event-ID': events.at(-1)?.id ?? '' } });
    assert.equal(again.status, 204);
  });

  test('Run over gRPC submits and follows in one call', async () => {
    const request = execution.RunRequest.fromPartial({ program: { code: 'print("run")' } });
    const steps: string[] = [];
    for await (const { step } of platform().client.run(request) as AsyncIterable<execution.RunResponse>) {
      steps.push(step?.$case === 'event' ? (step.value.event?.$case ?? '') : (step?.$case ?? ''));
    }
    assert.equal(steps[0], 'job');
    assert.equal(steps.at(-1), 'result');
    assert.ok(steps.includes('stdout'));
  });

  test('grpcurl finds the service by reflection and runs a program', { skip: skipWithout('grpcurl') }, async () => {
    const found = findServer('grpcurl');
    assert.ok('path' in found);
    const grpcurl = async (...args: string[]) => (await run(found.path, ['-plaintext', ...args])).stdout;
    const address = platform().grpcAddress;
    assert.match(await grpcurl(address, 'list'), /^grpc\.health\.v1\.Health\nrunlane\.v1\.ExecutionService\n$/);
    assert.match(await grpcurl(address, 'describe', 'runlane.v1.Event'), /bytes stdout = 3/);
    assert.match(await grpcurl(address, 'grpc.health.v1.Health/Check'), /SERVING/);
    const request = JSON.stringify({ program: { code: 'print(6 * 7)' } });
    const answer = await grpcurl('-d', request, address, 'runlane.v1.ExecutionService/Run');
    assert.match(answer, new RegExp(`"stdout": "${Buffer.from('42\n').toString('base64')}"`));
  });

  test('files that a program leaves in "out" can be fetched', async () => {
    const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==';
    const code = [
      'import base64, os',
      'os.makedirs("out/plots", exist_ok=True)',
      `open("out/plots/dot.png", "wb").write(base64.b64decode("${png}"))`,
      'open("out/page.html", "w").write("<script>alert(1)</script>")',
      'os.symlink("/etc/passwd", "out/link")',
    ].join('\n');
    const job = await runToEnd({ code });
    assert.deepEqual(
      job.result?.files?.map(({ path, contentType }) => [path, contentType]),
      [
        ['page.html', 'text/html; charset=utf-8'],
        ['plots/dot.png', 'image/png'],
      ],
    );
    assert.equal(job.result?.filesOmitted, 1);
    const dot = await fetch(`${platform().baseUrl}/v1/jobs/${job.id}/files/plots/dot.png`);
    assert.equal(Buffer.from(await dot.arrayBuffer()).toString('base64'), png);
    const page = await fetch(`${platform().baseUrl}/v1/jobs/${job.id}/files/page.html`);
    assert.match(page.headers.get('content-disposition') ?? '', /^attachment/);
    assert.match(page.headers.get('content-security-policy') ?? '', /sandbox/);
    await page.arrayBuffer();
  });

  if (!form.interpretedOnly)
    test('what is compiled is compiled once for the same sources', {
      skip: skipWithout('languages'),
    }, async () => {
      const code = `#include <stdio.h>\nint main(void) { puts("compiled"); return 3; } /* ${form.name} */`;
      const first = await runToEnd({ language: 'c', code });
      const second = await runToEnd({ language: 'c', code, stdin: 'something else' });
      for (const { status, result } of [first, second])
        assert.deepEqual([status, result?.exitCode, result?.stdout], ['failed', 3, 'compiled\n']);
      assert.equal(first.result?.compile?.exitCode, 0);
      assert.deepEqual(second.result?.compile, first.result?.compile, 'told of the one time');
      const refused = await runToEnd({ language: 'c', code: 'int main(void) { return x; }' });
      assert.deepEqual([refused.status, refused.result?.exitCode], ['compile_failed', null]);
      assert.match(refused.result?.compile?.diagnostics ?? '', /main\.c:1:25: error: .x. undeclared/);
    });

  test('the simple routes take code and give its output', async () => {
    const submitted = await fetch(`${platform().baseUrl}/submit-code`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ code: 'print("simple")' }),
    });
    assert.equal(submitted.status, 202);
    const { jobId } = (await submitted.json()) as { jobId: string };
    const ask = async () =>
      (await (await fetch(`${platform().baseUrl}/exec-result?jobId=${jobId}`)).json()) as Record<string, unknown>;
    await until('it ended', async () => (await ask()).status === 'succeeded');
    const { output, error, exitCode } = await ask();
    assert.deepEqual({ output, error, exitCode }, { output: 'simple\n', error: '', exitCode: 0 });
  });

  test('`Prefer: wait` answers with the finished job, or with 202 when it takes longer', async () => {
    const post = (code: string, seconds: number) =>
      fetch(`${platform().baseUrl}/v1/jobs`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Prefer: `wait=${seconds}` },
        body: JSON.stringify({ code }),
      });
    const fast = await post('print("fast")', 30);
    assert.equal(fast.status, 200);
    assert.equal(((await fast.json()) as { result: { stdout: string } }).result.stdout, 'fast\n');
    const slow = await post('import time; time.sleep(3)', 1);
    assert.equal(slow.status, 202);
    assert.match(slow.headers.get('Location') ?? '', /^\/v1\/jobs\//);
  });

  test('jobs are listed page by page, by status and language, in both doors alike', async () => {
    const door = restDoor(platform());
    const ids = await Promise.all(
      [1, 2, 3].map((n) => door.submit({ code: `print(${n})`, metadata: { batch: 'list' } })),
    );
    await Promise.all(ids.map((id) => door.watch(id)));
    type Page = { jobs: { id: string; status: string }[]; nextCursor?: string };
    const page = async (query: string) =>
      (await (await fetch(`${platform().baseUrl}/v1/jobs?${query}`)).json()) as Page;
    const newest = ids.toSorted().toReversed();
    const first = await page('limit=2&status=succeeded&language=python');
    const second = await page(`limit=2&status=succeeded&cursor=${first.nextCursor}`);
    assert.deepEqual(
      [...first.jobs, ...second.jobs].slice(0, 3).map(({ id }) => id),
      newest,
    );
    const listed = await unary<execution.ListResponse>((done) =>
      platform().client.list(execution.ListRequest.fromPartial({ pageSize: 3 }), done),
    );
    assert.deepEqual(
      listed.jobs.map(({ id }) => id),
      newest,
    );
  });

  test('every part says that it is ready, and tells what keeps programs apart', async () => {
    assert.equal((await fetch(`${platform().baseUrl}/readyz`)).status, 200);
    for (const url of platform().workerUrls) {
      assert.equal((await fetch(`${url}/readyz`)).status, 200);
      assert.match(await (await fetch(`${url}/metrics`)).text(), /runlane_jobs_ended_total/);
    }
    const system = (await (await fetch(`${platform().baseUrl}/v1/system`)).json()) as {
      runners: { isolation: { layers: { name: string; holds: boolean }[]; weak: boolean } }[];
    };
    assert.ok(system.runners.length >= 1);
    for (const { isolation } of system.runners) {
      assert.equal(isolation.weak, false);
      assert.ok(isolation.layers.some(({ name, holds }) => name === 'seccomp' && holds));
    }
  });

  test('the board shows every queue and lets nobody change them', async () => {
    const page = await fetch(`${platform().baseUrl}/admin/queues`);
    assert.equal(page.status, 200);
    const queues = (await (await fetch(`${platform().baseUrl}/admin/queues/api/queues`)).json()) as {
      queues: { name: string; readOnlyMode: boolean }[];
    };
    assert.deepEqual(queues.queues.map(({ name }) => name).toSorted(), ['code-callback', 'code-exec', 'code-save']);
    assert.ok(queues.queues.every(({ readOnlyMode }) => readOnlyMode));
    for (const action of ['pause', 'empty', 'obliterate', 'promote', 'clean/completed']) {
      const refused = await fetch(`${platform().baseUrl}/admin/queues/api/queues/code-exec/${action}`, {
        method: 'PUT',
      });
      assert.ok(refused.status >= 400, `${action} answered ${refused.status}`);
    }
  });

  test('program text and output are in no log', async () => {
    const door = restDoor(platform());
    const secret = 'correct-horse-battery-staple';
    await door.watch(await door.submit({ code: `print("${secret}"); raise Exception("${secret}")`, stdin: secret }));
    for (const [name, { log }] of Object.entries(platform().processes)) {
      assert.ok(!log.some((line) => line.includes(secret)), `${name} logged it`);
    }
  });
}

/** As a client of good sense: what is refused for now (503) is sent again, under the same key. */
async function submitPatiently(door: Door, program: ProgramJson, key: string): Promise<string> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await door.submit(program, key);
    } catch (error) {
      const later = error instanceof Refused && ['STORE_UNAVAILABLE', 'IDEMPOTENCY_IN_FLIGHT'].includes(error.code);
      if (!later || tries === 20) throw error;
      await sleep(500);
    }
  }
}

/** The same for a watch: with fifty at once, a store that is slow may not answer one of them, whose stream then ends. */
async function watchPatiently(door: Door, id: string): ReturnType<Door['watch']> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await door.watch(id);
    } catch (error) {
      const unavailable = error instanceof Refused ? error.code === 'STORE_UNAVAILABLE' : isCutOff(error as Error);
      if (!unavailable || tries === 20) throw error;
      await sleep(500);
    }
  }
}

/** As `fetch` and gRPC (UNAVAILABLE) tell it. */
const isCutOff = (error: Error & { code?: number }): boolean =>
  error.code === 14 || error.message === 'terminated' || error.message === 'the stream ended without a result';

function check({ expected, stdout, stderr }: Scenario, ended: Awaited<ReturnType<Door['get']>>): void {
  const shown = Object.fromEntries(Object.keys(expected).map((key) => [key, ended[key as keyof typeof ended]]));
  assert.deepEqual(shown, expected, `stderr: ${ended.stderr.toString().slice(-500)}`);
  checkOutput(ended.stdout, stdout);
  checkOutput(ended.stderr, stderr);
  assert.match(ended.isolation, /^(jail|docker):.*seccomp/);
  assert.ok(ended.memoryPeakBytes > 50_000);
}

function checkOutput(actual: Buffer, expected: string | RegExp | Buffer | undefined): void {
  if (expected === undefined) return;
  if (expected instanceof RegExp) assert.match(actual.toString(), expected);
  else assert.deepEqual(Buffer.from(actual).toString('latin1'), Buffer.from(expected).toString('latin1'));
}

function refusal(code: string, message = /./) {
  return (error: unknown) => {
    assert.ok(error instanceof Refused, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  };
}
