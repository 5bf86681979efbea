/** Test mode at both doors: what is wrong is refused by name, what is right is kept alike, and verdicts come back alike. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ServiceError, status } from '@grpc/grpc-js';
import { execution, type JobJson, type ProblemJson } from '@runlane/contract';
import { ANONYMOUS, type CaseResult, type Result, resultWithoutRun } from '@runlane/core';
import { aJob, withBuffers } from '@runlane/core/testing';
import { createJobs } from './jobs.js';
import { openTestDoors, type TestDoors } from './testing/command-doors.js';
import { createWatch } from './watch.js';

let doors: TestDoors;
let client: execution.ExecutionServiceClient;
before(async () => {
  doors = await openTestDoors();
  client = doors.client;
});
after(() => doors.close());

const long = (length: number) => 'x'.repeat(length);
const post = (body: unknown) =>
  fetch(`${doors.baseUrl}/v1/jobs`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'Content-Type': 'application/json' },
  });

const judging = (judge: object, ...cases: object[]) => ({ code: 'x', cases: cases.length > 0 ? cases : [{}], judge });
const checking = (checker: object) => judging({ checker });

const BAD: readonly (readonly [name: string, body: Record<string, unknown>, ...fields: string[]])[] = [
  ['no cases', { code: 'x', cases: [] }, 'cases'],
  ['too many cases', { code: 'x', cases: Array(201).fill({}) }, 'cases'],
  ['cases that are no list', { code: 'x', cases: { 0: {} } }, 'cases'],
  ['a judge without cases', { code: 'x', judge: {} }, 'judge'],
  ['an unknown field of a case', { code: 'x', cases: [{ input: '1' }] }, 'cases[0].input'],
  ['a name that is too long', { code: 'x', cases: [{}, { name: long(129) }] }, 'cases[1].name'],
  ['input that is too long', { code: 'x', cases: [{ stdin: long(1_048_577) }] }, 'cases[0].stdin'],
  [
    'an answer that is too long',
    { code: 'x', cases: [{ expectedStdout: long(1_048_577) }] },
    'cases[0].expectedStdout',
  ],
  [
    'an answer that is no base64',
    { code: 'x', cases: [{ expectedStdout: '!', expectedStdoutEncoding: 'base64' }] },
    'cases[0].expectedStdout',
  ],
  ['too many arguments', { code: 'x', cases: [{ args: Array(65).fill('a') }] }, 'cases[0].args'],
  [
    'a limit above the maximum',
    { code: 'x', cases: [{}, { limits: { wallTimeMs: 60_001 } }] },
    'cases[1].limits.wallTimeMs',
  ],
  [
    'a limit that cases do not have',
    { code: 'x', cases: [{ limits: { outputBytes: 5 } }] },
    'cases[0].limits.outputBytes',
  ],
  ['a way to compare that is none', judging({ comparison: { mode: 'fuzzy' } }), 'judge.comparison.mode'],
  [
    'a tolerance below nothing',
    judging({ comparison: { mode: 'numeric', absoluteTolerance: -1 } }),
    'judge.comparison.absoluteTolerance',
  ],
  [
    'a tolerance for words',
    judging({ comparison: { mode: 'tokens', relativeTolerance: 1 } }),
    'judge.comparison.relativeTolerance',
  ],
  ['the mode checker without one', judging({ comparison: { mode: 'checker' } }), 'judge.comparison.mode'],
  [
    'the mode checker without one in a case',
    judging({}, {}, { comparison: { mode: 'checker' } }),
    'cases[1].comparison.mode',
  ],
  ['a checker without sources', checking({}), 'judge.checker.code'],
  ['a checker in an unknown language', checking({ code: 'x', language: 'cobol' }), 'judge.checker.language'],
  ['a checker in an unknown version', checking({ code: 'x', version: '2' }), 'judge.checker.version'],
  [
    'limits of a checker above the maximum',
    checking({ code: 'x', limits: { wallTimeMs: 60_001 } }),
    'judge.checker.limits.wallTimeMs',
  ],
  [
    'a checker with a file that leads outside',
    checking({ files: [{ path: '../x', content: '' }] }),
    'judge.checker.files[0].path',
  ],
  [
    'a checker whose entry is no file',
    checking({ files: [{ path: 'a.py', content: '' }], entry: 'b.py' }),
    'judge.checker.entry',
  ],
  [
    'a checker with a file called as one that it is given',
    checking({ files: [{ path: 'Answer', content: '' }] }),
    'judge.checker.files[0].path',
  ],
  ['a checker with a folder called so', checking({ code: 'x', entry: 'input/main.py' }), 'judge.checker.entry'],
  [
    'several of these at once',
    { code: 'x', language: 'cobol', cases: [{ input: 1 }], judge: { checker: { code: 'x', files: [], version: '2' } } },
    'cases[0].input',
    'judge.checker.code',
    'judge.checker.files',
    'judge.checker.version',
    'language',
  ],
];

for (const [name, body, ...fields] of BAD) {
  test(`over REST, ${name} is refused by name`, async () => {
    const response = await post(body);
    const problem = (await response.json()) as ProblemJson;
    assert.deepEqual([response.status, problem.code], [400, 'INVALID_REQUEST'], problem.detail);
    assert.deepEqual(problem.errors?.map(({ field }) => field).toSorted(), fields.toSorted());
    assert.equal(await doors.ports.store.inFlightCount(), 0);
  });
}

function submit(program: execution.Program): Promise<string> {
  return new Promise((resolve, reject) => {
    client.submit({ program, idempotencyKey: '' }, (error, { job } = { job: undefined }) =>
      error ? reject(error) : resolve(job?.id ?? ''),
    );
  });
}

const { fromPartial } = execution.Program;
const BAD_MESSAGES: readonly (readonly [name: string, field: string, program: execution.Program])[] = [
  ['a judge without cases', 'judge', fromPartial({ code: 'x', judge: {} })],
  ['no way to compare', 'judge.comparison.mode', fromPartial({ code: 'x', cases: [{}], judge: { comparison: {} } })],
  [
    'a tolerance that is no number',
    'judge.comparison.absoluteTolerance',
    fromPartial({
      code: 'x',
      cases: [{}],
      judge: { comparison: { mode: execution.ComparisonMode.NUMERIC, absoluteTolerance: Number.NaN } },
    }),
  ],
  [
    'a checker in an unknown language',
    'judge.checker.language',
    fromPartial({ code: 'x', cases: [{}], judge: { checker: { code: 'x', language: 'cobol' } } }),
  ],
  [
    'a limit of a case above the maximum',
    'cases[0].limits.wallTimeMs',
    fromPartial({ code: 'x', cases: [{ limits: { wallTimeMs: 60_001 } }] }),
  ],
];

for (const [name, field, program] of BAD_MESSAGES) {
  test(`over gRPC, ${name} is refused by name`, async () => {
    await assert.rejects(submit(program), (error: ServiceError) => {
      assert.equal(error.code, status.INVALID_ARGUMENT);
      assert.ok(error.details.includes(`${field}: `), error.details);
      return true;
    });
    assert.equal(await doors.ports.store.inFlightCount(), 0);
  });
}

test('both doors keep the same of a job with cases, and what a case leaves out stays left out', async () => {
  const overRest = (await (
    await post({
      code: 'x',
      stdin: 'all',
      cases: [
        {},
        {
          name: 'second',
          stdin: '/wA=',
          stdinEncoding: 'base64',
          args: [],
          expectedStdout: '3\n',
          limits: { wallTimeMs: 500 },
          comparison: { mode: 'numeric', relativeTolerance: 0.5 },
        },
        { stdin: '', expectedStdout: '' },
      ],
      judge: { checker: { language: 'py', code: 'c', limits: { wallTimeMs: 900 } }, stopAtFirstFailure: true },
    })
  ).json()) as JobJson;
  const overGrpc = await submit(
    fromPartial({
      code: 'x',
      stdin: Buffer.from('all'),
      cases: [
        {},
        {
          name: 'second',
          stdin: Buffer.from([255, 0]),
          args: { values: [] },
          expectedStdout: Buffer.from('3\n'),
          limits: { wallTimeMs: 500 },
          comparison: { mode: execution.ComparisonMode.NUMERIC, relativeTolerance: 0.5 },
        },
        { stdin: Buffer.alloc(0), expectedStdout: Buffer.alloc(0) },
      ],
      judge: { checker: { language: 'py', code: 'c', limits: { wallTimeMs: 900 } }, stopAtFirstFailure: true },
    }),
  );
  const kept = await Promise.all([overRest.id, overGrpc].map((id) => doors.ports.store.job(id)));
  const [first, second] = kept.map((job) => withBuffers(job?.program));
  assert.deepEqual(second, first);
  assert.deepEqual(first?.cases, [
    {},
    {
      name: 'second',
      stdin: Buffer.from([255, 0]),
      args: [],
      expectedStdout: Buffer.from('3\n'),
      limits: { wallTimeMs: 500 },
      comparison: { mode: 'numeric', relativeTolerance: 0.5 },
    },
    { stdin: Buffer.alloc(0), expectedStdout: Buffer.alloc(0) },
  ]);
  assert.deepEqual(first?.judge, {
    comparison: { mode: 'checker' },
    checker: {
      language: 'python',
      version: '',
      files: [{ path: 'main.py', content: Buffer.from('c') }],
      entry: 'main.py',
      limits: { wallTimeMs: 900 },
    },
    stopAtFirstFailure: true,
  });
});

test('without a judge, output is compared line by line, and every case is judged', async () => {
  const { id } = (await (await post({ code: 'x', cases: [{}] })).json()) as JobJson;
  assert.deepEqual((await doors.ports.store.job(id))?.program.judge, {
    comparison: { mode: 'trimmed' },
    stopAtFirstFailure: false,
  });
});

const CASE: CaseResult = {
  index: 0,
  name: 'one',
  verdict: 'wrong_answer',
  exitCode: 0,
  signal: null,
  stdout: Buffer.from([255]),
  stderr: Buffer.from('note'),
  stdoutTruncated: true,
  stderrTruncated: false,
  wallTimeMs: 5,
  cpuTimeMs: 4,
  memoryPeakBytes: 3,
  message: 'line 1 differs',
};
const SKIPPED: CaseResult = { ...CASE, index: 1, verdict: 'skipped', exitCode: null, stdout: Buffer.alloc(0) };
const JUDGED: Result = resultWithoutRun('failed', {
  cases: [CASE, SKIPPED],
  summary: { verdict: 'wrong_answer', total: 2, passed: 0, failed: 1, skipped: 1, firstFailure: 0 },
});

async function judgedJob(result = JUDGED): Promise<string> {
  const job = aJob();
  await doors.ports.store.insert({ ...job, program: { ...job.program, cases: [{}, {}] } });
  await doors.ports.store.finish(job.id, 1, result);
  return job.id;
}

test('verdicts come back over both doors', async () => {
  const id = await judgedJob();
  const { result } = (await (await fetch(`${doors.baseUrl}/v1/jobs/${id}`)).json()) as JobJson;
  assert.deepEqual(result?.cases?.[0], {
    index: 0,
    name: 'one',
    verdict: 'wrong_answer',
    exitCode: 0,
    signal: null,
    stdout: '/w==',
    stdoutEncoding: 'base64',
    stderr: 'note',
    stdoutTruncated: true,
    stderrTruncated: false,
    wallTimeMs: 5,
    cpuTimeMs: 4,
    memoryPeakBytes: 3,
    message: 'line 1 differs',
  });
  assert.deepEqual(result?.summary, JUDGED.summary);
  const message = await new Promise<execution.Result | undefined>((resolve, reject) => {
    client.get({ jobId: id }, (error, answer) => (error ? reject(error) : resolve(answer.job?.result)));
  });
  const [first, second] = message?.cases ?? [];
  assert.deepEqual(
    [first?.judged?.verdict, first?.judged?.name, first?.stdout, first?.message, second?.judged?.verdict],
    [execution.Verdict.WRONG_ANSWER, 'one', Buffer.from([255]), 'line 1 differs', execution.Verdict.SKIPPED],
  );
  assert.deepEqual([message?.summary?.firstFailure, message?.summary?.skipped], [0, 1]);
});

test('a page of jobs holds nothing of their cases', async () => {
  const id = await judgedJob();
  const { jobs } = await doors.ports.store.list({ ownerId: ANONYMOUS, limit: 1 });
  assert.deepEqual([jobs[0]?.job.id, jobs[0]?.job.program.cases, jobs[0]?.result?.cases], [id, undefined, undefined]);
});

test('what the compiler said of a checker is told apart from what it said of the program', async () => {
  const checkerCompile = { exitCode: 1, diagnostics: Buffer.from('no'), wallTimeMs: 2 };
  const id = await judgedJob(resultWithoutRun('compile_failed', { checkerCompile }));
  const { result } = (await (await fetch(`${doors.baseUrl}/v1/jobs/${id}`)).json()) as JobJson;
  assert.deepEqual(
    [result?.checkerCompile, result?.compile],
    [{ exitCode: 1, diagnostics: 'no', wallTimeMs: 2 }, undefined],
  );
});

test('cases are told as they are judged, and from the result to whoever comes late', async () => {
  const { store, feed, openQueue } = doors.ports;
  const watch = createWatch({ jobs: createJobs({ store, feed, queue: openQueue.queue }), store, feed });
  const told = async (id: string) => {
    const events: unknown[] = [];
    for await (const event of watch.watch(ANONYMOUS, id, undefined, new AbortController().signal))
      events.push(event.type === 'case' ? [event.case.index, event.case.verdict] : event.type);
    return events;
  };
  const job = aJob();
  await store.insert(job);
  const telling = told(job.id);
  await feed.append(job.id, { id: '1-1', type: 'status', status: 'running' });
  const { index, name, verdict, wallTimeMs, cpuTimeMs, memoryPeakBytes } = CASE;
  const judged = { index, name: name ?? '', verdict, wallTimeMs, cpuTimeMs, memoryPeakBytes };
  await feed.append(job.id, { id: '1-2', type: 'case', case: judged });
  await store.finish(job.id, 1, JUDGED);
  await feed.append(job.id, { id: '1-3', type: 'end' });
  assert.deepEqual(await telling, ['status', 'status', [0, 'wrong_answer'], 'result']);
  const late = await judgedJob();
  assert.deepEqual(await told(late), ['status', [0, 'wrong_answer'], [1, 'skipped'], 'result']);
  const text = await (await fetch(`${doors.baseUrl}/v1/jobs/${late}/events`)).text();
  assert.match(text, /event: case\ndata: \{"index":0,"name":"one","verdict":"wrong_answer","wallTimeMs":5,/);
});
