/** Judging with runners that fail, are full or go away: each case gets one verdict, and the job one result. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { runner } from '@runlane/contract';
import {
  type CaseResult,
  digestOf,
  type FeedEvent,
  type Judge,
  type Program,
  type TestCase,
  type Verdict,
} from '@runlane/core';
import { aJob, until } from '@runlane/core/testing';
import { BEHAVIOURS, type Behaviour, computes, type Ended } from '../testing/fake-runner.js';
import { CLOSE_MS, closeStages, endOf, eventsOf, onStage } from '../testing/stage.js';

afterEach(closeStages);

const bytes = (text: string) => Buffer.from(text);

/** Cases whose input is what the program, `obeys`, is to do. */
const aCase = (stdin: string, expected?: string, more: Partial<TestCase> = {}): TestCase => ({
  stdin: bytes(stdin),
  ...(expected !== undefined && { expectedStdout: bytes(expected) }),
  ...more,
});

const judged = (cases: readonly TestCase[], judge: Partial<Judge> = {}): Partial<Program> => ({
  cases,
  judge: { comparison: { mode: 'trimmed' }, stopAtFirstFailure: false, ...judge },
});

const ENDINGS: Record<string, Ended> = {
  wall: { reason: runner.EndReason.WALL_TIME },
  cpu: { reason: runner.EndReason.CPU_TIME },
  memory: { reason: runner.EndReason.MEMORY },
  output: { reason: runner.EndReason.OUTPUT },
  exit3: { exitCode: 3, stderr: 'bye' },
};

/** Prints its input, or ends as its input says; "slow …" takes a while. */
const obeys: Behaviour = computes(async ({ stdin }) => {
  const text = stdin.toString();
  if (text.startsWith('slow')) await sleep(100);
  return ENDINGS[text] ?? { stdout: text };
});

const CHECKER: NonNullable<Judge['checker']> = {
  language: 'python',
  version: '',
  files: [{ path: 'check.py', content: bytes('check') }],
  entry: 'check.py',
  limits: { wallTimeMs: 190 },
};

const filesOf = (start: runner.Start) =>
  Object.fromEntries(runner.Bundle.decode(start.files).files.map(({ path, content }) => [path, content.toString()]));

/** The program prints its input; the checker ends with the exit code that the answer says, and says what it was given. */
const checks: Behaviour = computes((start) => {
  if (start.entry !== 'check.py') return { stdout: `out of ${start.stdin}` };
  const files = filesOf(start);
  const given = JSON.stringify([start.args, files, start.limits?.wallTimeMs]);
  return ENDINGS[files.answer ?? ''] ?? { exitCode: Number(files.answer), stderr: given };
});

const verdictsOf = (cases: readonly CaseResult[] | undefined): Verdict[] => (cases ?? []).map(({ verdict }) => verdict);
const judgedIn = (events: readonly FeedEvent[]) =>
  events.flatMap((event) => (event.type === 'case' ? [[event.case.index, event.case.verdict]] : []));

test('each case has the verdict that its run earned, and the job fails when one does', async () => {
  const { run, ports } = await onStage({ behaviours: [obeys] });
  const { job, status, attempt, result } = await run(
    judged([
      aCase('right', 'right\n', { name: 'first' }),
      aCase('wrong', 'right'),
      aCase('wall'),
      aCase('cpu'),
      aCase('memory'),
      aCase('output'),
      aCase('exit3', ''),
      aCase('whatever'),
    ]),
  );
  const verdicts: Verdict[] = [
    'accepted',
    'wrong_answer',
    'time_limit_exceeded',
    'time_limit_exceeded',
    'memory_limit_exceeded',
    'output_limit_exceeded',
    'runtime_error',
    'accepted',
  ];
  assert.deepEqual([status, attempt, verdictsOf(result?.cases)], ['failed', 1, verdicts]);
  assert.deepEqual(
    result?.cases?.map(({ message }) => message),
    [
      undefined,
      'line 1 is "wrong", which is not as expected',
      'the wall-clock time limit was reached',
      'the processor time limit was reached',
      'the memory limit was reached',
      'the output limit was reached',
      'exit code 3',
      undefined,
    ],
  );
  assert.deepEqual([result?.cases?.[0]?.name, result?.cases?.[6]?.stderr.toString()], ['first', 'bye']);
  assert.deepEqual(result?.summary, {
    verdict: 'wrong_answer',
    total: 8,
    passed: 2,
    failed: 6,
    skipped: 0,
    firstFailure: 1,
  });
  assert.equal(result?.message, 'cases[1]: wrong_answer: line 1 is "wrong", which is not as expected');
  const events = await eventsOf(ports, job.id);
  assert.deepEqual(judgedIn(events).toSorted(), [...verdicts.entries()]);
  assert.ok(!events.some(({ type }) => type === 'stdout' || type === 'stderr'));
});

test('what a case leaves out is the job’s', async () => {
  const seen: [string, string[], number | undefined, number | undefined][] = [];
  const { run } = await onStage({
    behaviours: [
      computes(({ stdin, args, limits }) => {
        seen.push([stdin.toString(), args, limits?.wallTimeMs, limits?.outputBytes]);
        return {};
      }),
    ],
  });
  const all = { stdin: bytes('job'), args: ['job'], limits: { wallTimeMs: 150 } };
  const cases = [{}, { stdin: bytes(''), args: [] }, { args: ['case'], limits: { wallTimeMs: 120 } }];
  assert.equal((await run({ ...all, ...judged(cases) })).status, 'succeeded');
  assert.deepEqual(seen.toSorted(), [
    ['', [], 150, 10_000],
    ['job', ['case'], 120, 10_000],
    ['job', ['job'], 150, 10_000],
  ]);
});

test('a program is compiled once for all its cases, and its checker once', async () => {
  const made = digestOf(bytes('not what was asked for'));
  let compiled = 0;
  const { run, runner: fake } = await onStage({
    behaviours: [checks],
    languages: [{ version: '3.11.2', compiled: true }],
    prepares() {
      compiled += 1;
      return made;
    },
  });
  const cases = Array.from({ length: 10 }, () => aCase('in', '0'));
  const { status } = await run(judged(cases, { comparison: { mode: 'checker' }, checker: CHECKER }));
  assert.deepEqual([status, compiled, fake.executed()], ['succeeded', 2, 20]);
});

/** Answers when as many runs as `width` are under way at once, or after a while. */
function gate(width: number) {
  let running = 0;
  let most = 0;
  const behaviour = computes(async () => {
    running += 1;
    most = Math.max(most, running);
    for (let waited = 0; most < width && waited < 150; waited += 5) await sleep(5);
    running -= 1;
    return { stdout: 'ok' };
  });
  return { behaviour, most: () => most };
}

for (const [slots, width] of [
  [1, 1],
  [2, 2],
  [4, 3],
  [8, 5],
] as const) {
  test(`of ${slots} slots, ${width} judge one job side by side`, async () => {
    const { behaviour, most } = gate(width);
    const { run, worker } = await onStage({ behaviours: [behaviour], slots });
    assert.equal((await run(judged(Array.from({ length: 12 }, () => aCase('', 'ok'))))).status, 'succeeded');
    assert.equal(most(), width);
    await until('every slot is free', () => worker.pool.slots().used === 0);
  });
}

test('a job that comes while another is judged gets a slot after a case, not after all', async () => {
  const { ports, run, runner: fake } = await onStage({ behaviours: [obeys], slots: 2 });
  const long = aJob();
  const cases = Array.from({ length: 60 }, (_, n) => aCase(`slow ${n}`));
  const program = { ...long.program, ...judged(cases) };
  await ports.store.insert({ ...long, program });
  await ports.openQueue.queue.add('save', long.id);
  await until('it is judged side by side', () => fake.executed() >= 4);
  assert.equal((await run({ stdin: bytes('short') })).result?.stdout.toString(), 'short');
  assert.equal((await ports.store.get(long.id))?.result, undefined);
  assert.equal((await endOf(ports, long.id)).result?.summary?.passed, 60);
});

test('stopping at the first failure, that is the one of the lowest index, and later ones are skipped', async () => {
  const { run, ports } = await onStage({ behaviours: [obeys], slots: 8 });
  const cases = [aCase('1', '1'), aCase('slow 2', 'no'), aCase('3', 'no'), aCase('4', '4'), aCase('5', '5')];
  const { job, status, result } = await run(judged(cases, { stopAtFirstFailure: true }));
  const verdicts: Verdict[] = ['accepted', 'wrong_answer', 'skipped', 'skipped', 'skipped'];
  assert.deepEqual([status, verdictsOf(result?.cases)], ['failed', verdicts]);
  assert.deepEqual([result?.summary?.skipped, result?.summary?.firstFailure], [3, 1]);
  assert.deepEqual(result?.cases?.[2]?.stdout.length, 0);
  assert.deepEqual(judgedIn(await eventsOf(ports, job.id)), [...verdicts.entries()]);
});

test('compared is the whole output, though the first bytes alone are kept', async () => {
  const { run } = await onStage({ behaviours: [computes(({ stdin }) => ({ stdout: 'x'.repeat(8_000) + stdin }))] });
  const cases = Array.from({ length: 200 }, (_, n) => aCase(`${n}`, `${'x'.repeat(8_000)}${n === 7 ? 'no' : n}`));
  const { result } = await run(judged(cases));
  assert.deepEqual([result?.summary?.passed, result?.summary?.firstFailure], [199, 7]);
  assert.deepEqual([result?.cases?.[3]?.stdout.length, result?.cases?.[3]?.stdoutTruncated], [5_242, true]);
});

for (const name of ['breaksOff', 'crashes', 'saysNonsense', 'startsUnasked', 'isAway'] as const) {
  test(`a case whose runner ${name} is run again within the attempt`, async () => {
    const { run } = await onStage({ behaviours: [obeys, BEHAVIOURS[name], obeys, BEHAVIOURS[name], obeys] });
    const { status, attempt, result } = await run(judged([1, 2, 3, 4].map((n) => aCase(`${n}`, `${n}`))));
    assert.deepEqual([status, attempt, result?.summary?.passed], ['succeeded', 1, 4]);
  });
}

test('cases whose runner was full wait for a slot, and nothing is counted', async () => {
  const { isBusy } = BEHAVIOURS;
  const { run, worker } = await onStage({ behaviours: [obeys, isBusy, isBusy, obeys, isBusy, isBusy, isBusy, obeys] });
  const { status, attempt, result } = await run(judged([1, 2, 3, 4].map((n) => aCase(`${n}`, `${n}`))));
  assert.deepEqual([status, attempt, result?.summary?.passed], ['succeeded', 1, 4]);
  await until('every slot is free', () => worker.pool.slots().used === 0);
});

test('a case that every runner breaks off ends the attempt; the next one judges from the start', async () => {
  const breaks: Behaviour = (call, start) =>
    (start.stdin.toString() === 'bad' ? BEHAVIOURS.breaksOff : obeys)(call, start);
  const { run, runner: fake } = await onStage({ behaviours: [breaks, breaks, breaks, breaks, obeys], slots: 1 });
  const { status, attempt, result } = await run(judged([aCase('good', 'good'), aCase('bad', 'bad')]));
  assert.deepEqual([status, attempt, result?.summary?.passed], ['succeeded', 2, 2]);
  // One good and three bad, then both again.
  assert.equal(fake.executed(), 6);
});

test('a job one of whose cases the runner refuses ends at once, with the reason', async () => {
  const { run } = await onStage({ behaviours: [obeys, BEHAVIOURS.refuses] });
  const { status, attempt, result } = await run(judged([aCase('1'), aCase('2')]));
  assert.deepEqual([status, attempt], ['error', 1]);
  assert.match(result?.message ?? '', /the runner refused: limits\.processes is odd/);
});

test('a judged job that is cancelled keeps the verdicts so far, and nothing of it runs on', async () => {
  const { saysNothing } = BEHAVIOURS;
  const { ports, worker, runner: fake } = await onStage({ behaviours: [obeys, saysNothing], slots: 2 });
  const job = aJob();
  const limits = { wallTimeMs: 20_000 };
  await ports.store.insert({
    ...job,
    program: { ...job.program, limits, ...judged([1, 2, 3, 4].map((n) => aCase(`${n}`))) },
  });
  await ports.openQueue.queue.add('save', job.id);
  await until('others run', () => fake.executed() === 3);
  await ports.store.cancel(job.id);
  await ports.feed.wish(job.id, { type: 'cancel' });
  const { status, result } = await endOf(ports, job.id);
  assert.deepEqual([status, verdictsOf(result?.cases)], ['cancelled', ['accepted', 'skipped', 'skipped', 'skipped']]);
  assert.deepEqual([result?.summary?.verdict, result?.summary?.passed], ['skipped', 1]);
  await until('every slot is free', () => worker.pool.slots().used === 0);
});

test('a worker that stops hands a judged job back, uncounted', async () => {
  const { ports, worker, runner: fake } = await onStage({ behaviours: [obeys, BEHAVIOURS.saysNothing] });
  const job = aJob();
  const limits = { wallTimeMs: 20_000 };
  await ports.store.insert({ ...job, program: { ...job.program, limits, ...judged([aCase('1'), aCase('2')]) } });
  await ports.openQueue.queue.add('save', job.id);
  await until('the second runs', () => fake.executed() === 2);
  await worker.close(CLOSE_MS);
  assert.equal(await ports.store.isHeld(job.id), false);
  assert.equal((await ports.store.get(job.id))?.result, undefined);
  const again = await ports.store.claim(job.id, 'exec', 'another');
  assert.ok(again.outcome === 'claimed' && again.claim.attempt === 2);
});

test('a checker is given input, output and answer as files, and its exit code is the verdict', async () => {
  const { run, runner: fake } = await onStage({ behaviours: [checks] });
  const cases = ['0', '1', '2', '3', '42', 'wall'].map((answer) => aCase('in', answer));
  const judge: Partial<Judge> = { comparison: { mode: 'checker' }, checker: CHECKER };
  const { status, result } = await run(
    judged([...cases, aCase('in', 'out of in', { comparison: { mode: 'exact' } })], judge),
  );
  assert.equal(status, 'failed');
  assert.deepEqual(verdictsOf(result?.cases), [
    'accepted',
    'wrong_answer',
    'presentation_error',
    'checker_failed',
    'checker_failed',
    'checker_failed',
    'accepted',
  ]);
  const given = [['input', 'output', 'answer'], { input: 'in', output: 'out of in', answer: '1' }, 190];
  assert.deepEqual(JSON.parse(result?.cases?.[1]?.message ?? ''), given);
  assert.match(result?.cases?.[3]?.message ?? '', /^the checker failed: its exit code was 3: \[/);
  assert.equal(result?.cases?.[5]?.message, 'the checker failed: the wall-clock time limit was reached');
  assert.equal(fake.executed(), 13);
});

test('a checker that the runner refuses has failed, and the job goes on', async () => {
  const refuses: Behaviour = (call, start) => (start.entry === 'check.py' ? BEHAVIOURS.refuses : obeys)(call, start);
  const { run } = await onStage({ behaviours: [refuses] });
  const { status, result } = await run(judged([aCase('1')], { comparison: { mode: 'checker' }, checker: CHECKER }));
  assert.deepEqual([status, verdictsOf(result?.cases)], ['failed', ['checker_failed']]);
  assert.match(result?.message ?? '', /the checker failed: the runner refused it: limits\.processes is odd/);
});

test('a program that did not end well is not shown to the checker', async () => {
  const { run, runner: fake } = await onStage({ behaviours: [obeys] });
  const { result } = await run(judged([aCase('exit3', '0')], { comparison: { mode: 'checker' }, checker: CHECKER }));
  assert.deepEqual([verdictsOf(result?.cases), fake.executed()], [['runtime_error'], 1]);
});

test('a checker that does not compile ends the job before anything runs, and is what is blamed', async () => {
  const { run, runner: fake } = await onStage({
    behaviours: [obeys],
    languages: [{ version: '3.11.2' }, { name: 'cpp', version: '14.0.0', compiled: true }],
    compile: ({ language }) =>
      language === 'cpp' ? { exitCode: 1, diagnostics: bytes('no such thing'), wallTimeMs: 5 } : undefined,
  });
  const checker = { ...CHECKER, language: 'cpp' };
  const { status, result } = await run(judged([aCase('1')], { comparison: { mode: 'checker' }, checker }));
  assert.equal(status, 'compile_failed');
  assert.match(result?.message ?? '', /the checker \(judge\.checker\) does not compile/);
  assert.deepEqual([result?.checkerCompile?.diagnostics.toString(), result?.compile], ['no such thing', undefined]);
  assert.equal(fake.executed(), 0);
});

test('what checkers take, and cases that were cut off, is counted for the owner of the job', async () => {
  const takes = computes(({ entry }) => ({ cpuTimeMs: entry === 'check.py' ? 700 : 20 }));
  const judge = { comparison: { mode: 'checker' as const }, checker: CHECKER };
  const { ports, runner: fake } = await onStage({ behaviours: [takes, takes, BEHAVIOURS.spins], slots: 1 });
  const { store, openQueue, meters } = ports;
  const program = { ...aJob().program, ...judged([aCase('a'), aCase('b')], judge) };
  const job = aJob({ ownerId: 'somebody', program });
  await store.insert(job);
  await openQueue.queue.add('save', job.id);
  await until('the second case runs', () => fake.went() === 3);
  await store.cancel(job.id);
  await ports.feed.wish(job.id, { type: 'cancel' });
  const { status, result } = await endOf(ports, job.id);
  assert.deepEqual([status, verdictsOf(result?.cases)], ['cancelled', ['accepted', 'skipped']]);
  // Counted once the result is stored.
  const amount = async () => (await meters.cpuTimeMs.add('somebody', 0)).amount;
  await until('it is counted', async () => (await amount()) === 20 + 700 + 500);
});
