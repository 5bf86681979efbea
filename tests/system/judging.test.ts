/** Programs judged by cases, on both forms of the platform: real sandboxes, a real compiler, and workers that die. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import type { JobJson } from '@runlane/contract';
import { skipWithout, until } from '@runlane/core/testing';
import { readEvents } from './doors.js';
import { type Platform, startDistributed, startEmbedded, temporaryFolder } from './platforms.js';

type Judged = NonNullable<JobJson['result']>;

const folders: string[] = [];
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

const FORMS: readonly { readonly name: string; readonly skip: string | false; start(): Promise<Platform> }[] = [
  {
    name: 'embedded',
    skip: false,
    async start() {
      const folder = await temporaryFolder();
      folders.push(folder);
      return startEmbedded(folder);
    },
  },
  {
    name: 'distributed',
    skip: skipWithout('redis-server', 'mongo-wire'),
    start: () => startDistributed({ env: { LEASE_SECONDS: '3', RECONCILE_SECONDS: '1' } }),
  },
];

/** Ends in every way that its input may ask for. */
const OBEYS = `
import sys, time
wish = input()
if wish == "spin":
    while True: pass
if wish == "memory":
    data = bytearray(300_000_000)
    time.sleep(1)
if wish == "flood":
    while True: print("x" * 1000)
if wish == "raise":
    raise ValueError(wish)
print(wish, *sys.argv[1:])
`;

/** Its own errors are not to look like wrong answers, as Python's exit code for them is 1. */
const CHECKER = `
import os, sys
def failed(*error):
    sys.__excepthook__(*error)
    os._exit(3)
sys.excepthook = failed
input_path, output_path, answer_path = sys.argv[1:]
output = open(output_path).read().split()
answer = open(answer_path).read().split()
print("read", open(input_path).read().strip(), "and", *output, file=sys.stderr)
if answer == ["crash"]:
    raise SystemError
sys.exit(0 if sorted(output) == sorted(answer) else 2 if not output else 1)
`;

const PRINTS_BACKWARDS = 'print(*reversed(input().split()))';

/** When it was compiled, to the second; it runs for longer than that. */
const WHEN_COMPILED = `
#include <stdio.h>
#include <unistd.h>
int main(void) { int n; scanf("%d", &n); usleep(1200000); printf("%s %d\\n", __TIME__, n); return 0; }
`;

for (const form of FORMS) {
  describe(`on the ${form.name} platform`, { skip: form.skip }, () => {
    let platform: Platform;
    before(async () => {
      platform = await form.start();
    });
    after(() => platform?.stop());

    async function jobOf(id: string): Promise<JobJson> {
      return (await (await fetch(`${platform.baseUrl}/v1/jobs/${id}`)).json()) as JobJson;
    }

    /** As a client of good sense: a store that is slow just now (503) is asked again, under the same key. */
    async function submit(body: object): Promise<string> {
      const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': randomUUID() };
      const init = { method: 'POST', headers, body: JSON.stringify(body) };
      let id = '';
      await until('it is accepted', async () => {
        const response = await fetch(`${platform.baseUrl}/v1/jobs`, init);
        const text = await response.text();
        assert.ok(response.status === 202 || response.status === 503, text);
        if (response.ok) id = (JSON.parse(text) as JobJson).id;
        return response.ok;
      });
      return id;
    }

    async function judge(body: object): Promise<{ job: JobJson; result: Judged; verdicts: string[] }> {
      const id = await submit(body);
      await until('it ended', async () => (await jobOf(id)).result !== undefined, 300_000);
      const job = await jobOf(id);
      assert.ok(job.result, job.status);
      return { job, result: job.result, verdicts: (job.result.cases ?? []).map(({ verdict }) => verdict) };
    }

    const available = async (language: string) => {
      const response = await fetch(`${platform.baseUrl}/v1/languages`);
      const { languages } = (await response.json()) as { languages: { name: string; available: boolean }[] };
      return languages.some((each) => each.name === language && each.available);
    };

    test('a Python program gets every verdict that it earns, and each is told as an event', async () => {
      const code = OBEYS;
      const cases = [
        { name: 'right', stdin: 'hello', expectedStdout: 'hello' },
        { name: 'wrong', stdin: 'hello', expectedStdout: 'goodbye' },
        { name: 'slow', stdin: 'spin', limits: { wallTimeMs: 1_000 } },
        { name: 'busy', stdin: 'spin', limits: { cpuTimeMs: 500 } },
        { name: 'large', stdin: 'memory' },
        { name: 'loud', stdin: 'flood' },
        { name: 'raises', stdin: 'raise', expectedStdout: '' },
        {
          name: 'with arguments',
          stdin: 'a',
          args: ['b', 'c d'],
          expectedStdout: 'a b c d\n',
          comparison: { mode: 'exact' },
        },
        {
          name: 'near',
          stdin: '0.3333',
          expectedStdout: '0.33333',
          comparison: { mode: 'numeric', absoluteTolerance: 0.001 },
        },
      ];
      const { job, result, verdicts } = await judge({ code, cases });
      assert.deepEqual(verdicts, [
        'accepted',
        'wrong_answer',
        'time_limit_exceeded',
        'time_limit_exceeded',
        'memory_limit_exceeded',
        'output_limit_exceeded',
        'runtime_error',
        'accepted',
        'accepted',
      ]);
      assert.equal(job.status, 'failed');
      assert.deepEqual(result.summary, {
        verdict: 'wrong_answer',
        total: 9,
        passed: 3,
        failed: 6,
        skipped: 0,
        firstFailure: 1,
      });
      assert.match(result.cases?.[6]?.stderr ?? '', /ValueError: raise/);
      assert.ok((result.cases?.[2]?.wallTimeMs ?? 0) >= 1_000);
      assert.match(result.isolation, /seccomp/);
      const told: string[] = [];
      for await (const { event, data } of readEvents(await fetch(`${platform.baseUrl}/v1/jobs/${job.id}/events`)))
        if (event === 'case') told[Number(data.index)] = `${data.name}: ${data.verdict}`;
      assert.deepEqual(
        told,
        cases.map(({ name }, index) => `${name}: ${verdicts[index]}`),
      );
    });

    test('stopping at the first failure, the rest is skipped', async () => {
      const cases = ['1', '2', 'raise', '4', '5', '6'].map((stdin) => ({ stdin, expectedStdout: stdin }));
      const { verdicts } = await judge({ code: OBEYS, cases, judge: { stopAtFirstFailure: true } });
      assert.deepEqual(verdicts, ['accepted', 'accepted', 'runtime_error', 'skipped', 'skipped', 'skipped']);
    });

    test('a checker in Python judges what may be right in several ways', async () => {
      const cases = [
        { stdin: '1 2 3', expectedStdout: '1 2 3' },
        { stdin: '1 2 3', expectedStdout: '1 2 4' },
        { stdin: '', expectedStdout: '1' },
        { stdin: '7', expectedStdout: 'crash' },
      ].map((each) => ({ ...each, stdin: `${each.stdin}\n` }));
      const { result, verdicts } = await judge({
        code: PRINTS_BACKWARDS,
        cases,
        judge: { checker: { code: CHECKER } },
      });
      assert.deepEqual(verdicts, ['accepted', 'wrong_answer', 'presentation_error', 'checker_failed']);
      assert.equal(result.cases?.[0]?.message, 'read 1 2 3 and 3 2 1');
      assert.match(result.cases?.[3]?.message ?? '', /^the checker failed[\s\S]*SystemError/);
    });

    test('a C program is compiled once for all its cases, and a checker in another language judges it', async (t) => {
      if (!(await available('c'))) return t.skip('gcc is not installed');
      const cases = [1, 2, 3, 4, 5, 6].map((n) => ({ stdin: `${n}\n`, expectedStdout: `${n}` }));
      const checker = {
        code: 'import sys\nsys.exit(open("output").read().split()[1] != open("answer").read().strip())',
      };
      const { result, verdicts } = await judge({ language: 'c', code: WHEN_COMPILED, cases, judge: { checker } });
      assert.deepEqual([...new Set(verdicts)], ['accepted'], JSON.stringify(result.cases));
      const compiledAt = new Set(result.cases?.map(({ stdout }) => stdout.split(' ')[0]));
      assert.equal(compiledAt.size, 1, [...compiledAt].join());
      assert.equal(result.compile?.exitCode, 0);
    });

    test('what does not compile is said, be it the program or its checker', async (t) => {
      if (!(await available('c'))) return t.skip('gcc is not installed');
      const broken = { language: 'c', code: 'int main(void) { return x; }' };
      const program = await judge({ ...broken, cases: [{}] });
      assert.deepEqual([program.job.status, program.result.checkerCompile], ['compile_failed', undefined]);
      assert.match(program.result.compile?.diagnostics ?? '', /undeclared/);
      const checker = await judge({ code: 'print()', cases: [{}], judge: { checker: broken } });
      assert.deepEqual([checker.job.status, checker.result.compile], ['compile_failed', undefined]);
      assert.match(checker.result.checkerCompile?.diagnostics ?? '', /undeclared/);
      assert.match(checker.result.message ?? '', /checker/);
    });

    // What speaks MongoDB in these tests needs seconds for such a job.
    const onlyEmbedded = form.name === 'embedded' ? test : undefined;
    onlyEmbedded?.('input, output and answer as large as they may be reach the checker', async () => {
      const megabyte = 'x'.repeat(1024 * 1024);
      const checker = {
        code: 'import sys\nprint(*(len(open(path).read()) for path in sys.argv[1:]), file=sys.stderr)',
      };
      const { result } = await judge({
        code: 'print("y" * (3 * 512 * 1024 - 1))',
        limits: { outputBytes: 1.5 * 1024 * 1024 },
        cases: [{ stdin: megabyte, expectedStdout: megabyte }],
        judge: { checker },
      });
      assert.deepEqual(
        [result.cases?.[0]?.verdict, result.cases?.[0]?.message],
        ['accepted', '1048576 1572864 1048576'],
      );
    });

    test('two hundred cases are one job', async () => {
      const cases = Array.from({ length: 200 }, (_, n) => ({ stdin: `${n}`, expectedStdout: `${n}` }));
      const { result } = await judge({ code: 'print(input())', cases });
      assert.deepEqual([result.summary?.passed, result.cases?.length], [200, 200]);
    });

    test('answers that are expected are in no log', async () => {
      const secret = 'correct-horse-battery-staple';
      await judge({ code: 'print(input())', cases: [{ stdin: secret, expectedStdout: `${secret}!` }] });
      for (const [name, { log }] of Object.entries(platform.processes))
        assert.ok(!log.some((line) => line.includes(secret)), `${name} logged it`);
    });

    // Elsewhere there is one worker, which is the platform.
    const onlyDistributed = form.name === 'distributed' ? test : undefined;
    onlyDistributed?.('when its worker dies, a job is judged again from the start, and has one result', async () => {
      const code = 'import time\ntime.sleep(0.5)\nprint(input())';
      const cases = Array.from({ length: 30 }, (_, n) => ({ stdin: `${n}`, expectedStdout: `${n}` }));
      const id = await submit({ code, cases });
      await until('it is judged', async () => (await jobOf(id)).status === 'running', 20_000);
      const busy = await Promise.all(platform.workerUrls.map(usedSlots));
      const at = busy.findIndex((used) => used > 0);
      assert.ok(at >= 0, busy.join());
      platform.processes[`worker${at + 1}`]?.process.kill('SIGKILL');
      await until('it ended', async () => (await jobOf(id)).result !== undefined, 120_000);
      const { status, attempt, result } = await jobOf(id);
      assert.deepEqual([status, attempt, result?.summary?.passed, result?.cases?.length], ['succeeded', 2, 30, 30]);
    });
  });
}

async function usedSlots(workerUrl: string): Promise<number> {
  const metrics = await (await fetch(`${workerUrl}/metrics`)).text();
  return Number(/^runlane_runner_slots\{kind="used"\} (\d+)/m.exec(metrics)?.[1] ?? 0);
}
