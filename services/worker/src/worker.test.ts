/** What a worker makes of runners that fail, lie or go away: the job is tried again or ended, and the worker goes on. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { BATCH_PRIORITY, digestOf } from '@runlane/core';
import { aJob, silentLog, until } from '@runlane/core/testing';
import { createRunnerPool } from './runner-pool.js';
import { BEHAVIOURS, type Behaviour, leaves, startFakeRunner } from './testing/fake-runner.js';
import { CLOSE_MS, closeStages, endOf, eventsOf, onStage, opened } from './testing/stage.js';

afterEach(closeStages);

const withRunner = (...behaviours: Behaviour[]) => onStage({ behaviours });

test('a runner without a free slot is asked again, and no attempt is counted', async () => {
  const { run, runner } = await withRunner(BEHAVIOURS.isBusy, BEHAVIOURS.isBusy, BEHAVIOURS.isBusy, BEHAVIOURS.runs);
  const { status, attempt, result } = await run();
  assert.deepEqual([status, attempt, result?.stdout.toString()], ['succeeded', 1, 'ran\n']);
  assert.equal(runner.executed(), 4);
});

test('a job that is to start later is made ready at once, waits queued, and runs when it is time', async () => {
  const { ports } = await withRunner(BEHAVIOURS.runs);
  const { store, openQueue } = ports;
  const notBeforeAtMs = Date.now() + 1_500;
  const job = aJob({ notBeforeAtMs });
  await store.insert(job);
  await openQueue.queue.add('save', job.id);
  await until('it is saved', async () => (await store.saved(job.id)) !== undefined);
  // A delivery that comes too early changes nothing.
  await openQueue.queue.add('exec', job.id);
  assert.equal((await store.get(job.id))?.status, 'queued');
  const { status, startedAtMs = 0 } = await endOf(ports, job.id);
  assert.equal(status, 'succeeded');
  assert.ok(startedAtMs >= notBeforeAtMs, `${notBeforeAtMs - startedAtMs} ms early`);
});

test('a runner that loses one run after another is left alone, and jobs go to the other', async () => {
  const sound = await startFakeRunner({ behaviours: [BEHAVIOURS.runs] });
  opened.push(sound.close);
  const { run, runner: losing, worker } = await onStage({ behaviours: [BEHAVIOURS.crashes], others: [sound.address] });
  await until('both are connected', () => worker.pool.slots().runners === 2);
  for (let wave = 0; wave < 5; wave += 1) {
    const views = await Promise.all(Array.from({ length: 4 }, () => run()));
    assert.deepEqual(new Set(views.map(({ status }) => status)), new Set(['succeeded']));
  }
  // Three in a row, those under way beside them, and one every now and then.
  assert.ok(losing.executed() < 12, `${losing.executed()} runs`);
});

test('a runner that lost several runs in a row is tried again, and used again when it does well', async () => {
  const { crashes, runs } = BEHAVIOURS;
  const { run, runner } = await onStage({ behaviours: [crashes, crashes, crashes, crashes, runs], maxAttempts: 10 });
  const { status, attempt } = await run();
  assert.deepEqual([status, attempt], ['succeeded', 5]);
  assert.equal((await run()).status, 'succeeded');
  assert.equal(runner.executed(), 6);
});

test('a runner that lacks the artifact is given it', async () => {
  const { run, runner } = await withRunner(BEHAVIOURS.lacksTheArtifact, BEHAVIOURS.runs);
  assert.equal((await run()).status, 'succeeded');
  assert.equal(runner.executed(), 2);
});

/** What the runner below compiles every source to: what it gives when it is asked for an artifact. */
const COMPILED = digestOf(Buffer.from('not what was asked for'));

/** A runner that compiles, what it made of the sources each time, and what it was to execute. */
async function compiling(made: (times: number) => string, ...behaviours: Behaviour[]) {
  const executed: string[] = [];
  let times = 0;
  const noted = behaviours.map<Behaviour>((behaviour) => (call, start) => {
    executed.push(start.artifactDigest);
    behaviour(call, start);
  });
  const prepares = () => {
    times += 1;
    return made(times);
  };
  const stage = await onStage({ behaviours: noted, prepares, languages: [{ version: '3.11.2', compiled: true }] });
  return { ...stage, executed, compiled: () => times };
}

test('a compiled program that was evicted is compiled again for the next job with the same source', async () => {
  const { run, ports, compiled } = await compiling(() => COMPILED, BEHAVIOURS.runs);
  assert.equal((await run()).status, 'succeeded');
  assert.equal((await run()).status, 'succeeded');
  assert.equal(compiled(), 1);
  await ports.artifacts.evict(0);
  assert.equal((await run()).status, 'succeeded');
  assert.equal(compiled(), 2);
  assert.ok(await ports.artifacts.get(COMPILED));
  assert.equal((await run()).status, 'succeeded');
  assert.equal(compiled(), 2);
});

test('a compiled program that is evicted before it runs is compiled again there, though it comes out different', async () => {
  const other = digestOf(Buffer.from('another'));
  const { lacksTheArtifact, runs } = BEHAVIOURS;
  let evict = async () => {};
  const evicting: Behaviour = (call) => void evict().then(() => lacksTheArtifact(call));
  const { run, ports, executed } = await compiling((times) => (times === 1 ? COMPILED : other), evicting, runs);
  evict = async () => void (await ports.artifacts.evict(0));
  const { status, attempt } = await run();
  assert.deepEqual([status, attempt, executed], ['succeeded', 1, [COMPILED, other]]);
});

test('what a job needs and leaves outlives a store that is much too small', async () => {
  const file = 'x'.repeat(50_000);
  const { run, ports } = await onStage({ behaviours: [leaves([['a', file]])], artifactStoreBytes: 100_000 });
  for (let n = 0; n < 5; n += 1) {
    const { result } = await run({ files: [{ path: 'main.py', content: Buffer.from(`${n}${'#'.repeat(60_000)}`) }] });
    assert.equal((await ports.artifacts.get(result?.files?.[0]?.sha256 ?? ''))?.length, file.length);
  }
});

test('a job that the runner refuses ends at once, with the reason', async () => {
  const { run, runner } = await withRunner(BEHAVIOURS.refuses);
  const { status, result } = await run();
  assert.equal(status, 'error');
  assert.match(result?.message ?? '', /limits\.processes is odd/);
  assert.equal(runner.executed(), 1);
});

test('a job whose program the runner cannot start ends in its first attempt, with the reason, and so does its feed', async () => {
  const { run, runner, ports } = await withRunner(BEHAVIOURS.cannotStart);
  const { job, status, attempt, result } = await run();
  assert.deepEqual([status, attempt], ['error', 1]);
  assert.equal(result?.message, 'the runner refused: cannot start /work/x');
  assert.equal(runner.executed(), 1);
  assert.equal((await eventsOf(ports, job.id)).at(-1)?.type, 'end');
});

for (const name of ['breaksOff', 'crashes', 'saysNonsense'] as const) {
  test(`after a runner that ${name}, the job is run again, and output of the first attempt is not kept`, async () => {
    const { run } = await withRunner(BEHAVIOURS[name], BEHAVIOURS.runs);
    const { status, attempt, result } = await run();
    assert.deepEqual([status, attempt, result?.stdout.toString()], ['succeeded', 2, 'ran\n']);
  });
}

for (const name of ['startsUnasked', 'isAway'] as const) {
  test(`a runner that ${name} before it admits has failed at the job: the attempt is counted`, async () => {
    const { run } = await withRunner(BEHAVIOURS[name], BEHAVIOURS.runs);
    const { status, attempt, result } = await run();
    assert.deepEqual([status, attempt, result?.stdout.toString()], ['succeeded', 2, 'ran\n']);
  });
}

test('a job that is tried again keeps its place behind those submitted by themselves', async () => {
  const { ports } = await withRunner(BEHAVIOURS.breaksOff, BEHAVIOURS.runs);
  const { queue } = ports.openQueue;
  const { add } = queue;
  const retries: unknown[] = [];
  queue.add = (stage, id, options) => {
    if (options?.notBeforeAtMs !== undefined) retries.push([stage, options.priority]);
    return add(stage, id, options);
  };
  const job = aJob({ batchId: 'a batch' });
  await ports.store.insert(job);
  await queue.add('save', job.id);
  assert.equal((await endOf(ports, job.id)).attempt, 2);
  assert.deepEqual(retries, [['exec', BATCH_PRIORITY]]);
});

test('a job that no runner can admit ends with `error` after three attempts, and so does its feed', async () => {
  const { run, ports } = await withRunner(BEHAVIOURS.startsUnasked);
  const { job, status, attempt } = await run();
  assert.deepEqual([status, attempt], ['error', 3]);
  assert.equal((await eventsOf(ports, job.id)).at(-1)?.type, 'end');
});

test('a runner that says nothing is given up after the limit and a grace, and the job is run again', async () => {
  const { run } = await withRunner(BEHAVIOURS.saysNothing, BEHAVIOURS.runs);
  const { status, attempt } = await run();
  assert.deepEqual([status, attempt], ['succeeded', 2]);
});

test('a job that breaks every runner ends with `error` after three attempts, and the next one runs', async () => {
  const { breaksOff, runs } = BEHAVIOURS;
  // The fourth call is admitted, and then found to be one too many: the program is not started.
  const { run } = await withRunner(breaksOff, breaksOff, breaksOff, runs);
  const { status, attempt, result } = await run();
  assert.deepEqual([status, attempt], ['error', 3]);
  assert.match(result?.message ?? '', /3 attempts/);
  assert.equal((await run()).status, 'succeeded');
});

test('an artifact that does not fit its digest is not taken, and its job ends with `error`', async () => {
  const { run, runner } = await onStage({ behaviours: [BEHAVIOURS.runs], prepares: () => 'a'.repeat(64) });
  assert.equal((await run()).status, 'error');
  assert.equal(runner.executed(), 0);
});

test('output beyond the limit is not kept, whatever the runner sends', async () => {
  const { run, ports } = await withRunner(BEHAVIOURS.floods);
  const { job, result } = await run();
  assert.equal(result?.stdout.length, 10_000);
  assert.equal(result?.stdoutTruncated, true);
  let toldBytes = 0;
  for (const event of await eventsOf(ports, job.id)) if (event.type === 'stdout') toldBytes += event.data.length;
  assert.equal(toldBytes, 10_000);
});

test('files that a program left are kept before the result that names them, in the byte order of their paths', async () => {
  const picture = Buffer.from([137, 80, 78, 71, 0]);
  const { run, ports } = await withRunner(
    leaves([
      ['z.txt', 'one, '],
      ['z.txt', 'two'],
      ['plots/sine.png', picture],
      ['empty', ''],
      ['\u{1f600}.html', '<p>'],
      ['\uffee', 'before the face in bytes, after it in UTF-16'],
    ]),
  );
  const { status, result } = await run();
  assert.equal(status, 'succeeded');
  assert.deepEqual(
    result?.files?.map(({ path, contentType, sizeBytes }) => [path, contentType, sizeBytes]),
    [
      ['empty', 'application/octet-stream', 0],
      ['plots/sine.png', 'image/png', 5],
      ['z.txt', 'text/plain; charset=utf-8', 8],
      ['\uffee', 'application/octet-stream', 44],
      ['\u{1f600}.html', 'text/html; charset=utf-8', 3],
    ],
  );
  assert.equal(result?.filesOmitted, undefined);
  for (const { sha256, sizeBytes } of result?.files ?? [])
    assert.equal((await ports.artifacts.get(sha256))?.length, sizeBytes);
  assert.equal(result?.files?.[2]?.sha256, digestOf(Buffer.from('one, two')));
});

test('a run that left nothing has no files in its result', async () => {
  const { run } = await withRunner(BEHAVIOURS.runs);
  const { result } = await run();
  assert.ok(result && !('files' in result) && !('filesOmitted' in result));
});

test('paths that lead elsewhere, or come twice, are left out and counted, and the run is as good as ever', async () => {
  const { run } = await withRunner(
    leaves(
      [
        ['a', '1'],
        ['/etc/passwd', 'x'],
        ['../up', 'x'],
        ['a/../b', 'x'],
        ['new\nline', 'x'],
        ['a/b/c/d/e/f/g/h/i', 'x'],
        ['n'.repeat(256), 'x'],
        ['', 'x'],
        ['b', '2'],
        ['a', 'again'],
      ],
      3,
    ),
  );
  const { status, result } = await run();
  assert.equal(status, 'succeeded');
  assert.deepEqual(
    result?.files?.map(({ path, sizeBytes }) => [path, sizeBytes]),
    [
      ['a', 1],
      ['b', 1],
    ],
  );
  assert.equal(result?.filesOmitted, 11);
});

test('a runner that claims to have left out more than can be counted makes no result that cannot be told', async () => {
  const { run } = await withRunner(leaves([['', 'x']], 0xffff_ffff));
  assert.equal((await run()).result?.filesOmitted, 0xffff_ffff);
});

test('paths that nobody could ask for take no room of others', async () => {
  const tooLong = Array.from(
    { length: 20 },
    (_, n) => [`${'long/'.repeat(6)}${n}${'n'.repeat(1_024)}`, 'x'.repeat(50)] as const,
  );
  const { run } = await withRunner(leaves([...tooLong, ['a', 'x'.repeat(60)], ['b', 'x'.repeat(40)]]));
  const { result } = await run({ limits: { producedBytes: 100, producedFiles: 2 } });
  assert.deepEqual(
    result?.files?.map(({ path }) => path),
    ['a', 'b'],
  );
  assert.equal(result?.filesOmitted, 20);
});

test('files beyond the limits of the run are left out whole, whatever the runner sends', async () => {
  const { run } = await withRunner(
    leaves([
      ['large', 'x'.repeat(60)],
      ['large', 'x'.repeat(60)],
      ['small', 'x'.repeat(90)],
      ['other', 'x'.repeat(11)],
      ['last', ''],
      ['one more', ''],
    ]),
  );
  const { result } = await run({ limits: { producedBytes: 100, producedFiles: 2 } });
  assert.deepEqual(
    result?.files?.map(({ path }) => path),
    ['last', 'small'],
  );
  assert.equal(result?.filesOmitted, 3);
});

test('more than the usual is kept only where the job says so, and more than the platform ever keeps never', async () => {
  const megabyte = Buffer.alloc(1024 * 1024);
  const { run } = await withRunner(
    leaves(Array.from({ length: 10 }, () => ['ten', megabyte] as const)),
    leaves(Array.from({ length: 100 }, (_, n) => [`${n}`, 'x'] as const)),
    leaves(Array.from({ length: 300 }, (_, n) => [`${n}`, 'x'] as const)),
  );
  const usual = await run();
  assert.deepEqual([usual.result?.files, usual.result?.filesOmitted], [undefined, 1]);
  const many = await run();
  assert.deepEqual([many.result?.files?.length, many.result?.filesOmitted], [64, 36]);
  const most = await run({ limits: { producedFiles: 100_000, producedBytes: Number.MAX_SAFE_INTEGER } });
  assert.deepEqual([most.result?.files?.length, most.result?.filesOmitted], [256, 44]);
});

test('a file in a great many parts, empty ones among them, is what they make together', async () => {
  const parts = Array.from({ length: 20_000 }, (_, n) => ['a', n % 2 === 0 ? '' : `${n % 10}`] as const);
  const { run, ports } = await withRunner(leaves(parts));
  const [file] = (await run()).result?.files ?? [];
  const bytes = await ports.artifacts.get(file?.sha256 ?? '');
  assert.equal(Buffer.from(bytes ?? []).toString(), '13579'.repeat(2_000));
});

test('files wait for a store that is away for a moment, and the program is not run again', async () => {
  const { run, ports, runner } = await withRunner(leaves([['a', 'kept']]));
  const { put } = ports.artifacts;
  let refusals = 2;
  ports.artifacts.put = async (bytes, options) => {
    if (options?.durable && refusals > 0) {
      refusals -= 1;
      throw new Error('away');
    }
    return put(bytes, options);
  };
  const { result, attempt } = await run();
  assert.deepEqual([result?.files?.length, attempt, runner.executed(), refusals], [1, 1, 1, 0]);
});

/** What is asked of a runner that offers these, its default first. */
const OFFERED = ['3.11.2', '3.13.1', '3.9.9', '4.2.2.1'].map((version) => ({ version }));
const UNAVAILABLE = { version: '5.0.0', unavailableReason: 'it is broken here' };

for (const [wanted, meant] of [
  ['', '3.11.2'],
  ['3', '3.13.1'],
  ['~3.9', '3.9.9'],
  ['>=3 <3.13', '3.11.2'],
  ['4.2.2.1', '4.2.2.1'],
  ['*', '4.2.2.1'],
] as const) {
  test(`a job for "${wanted}" is run by version ${meant}`, async () => {
    const { run, runner } = await onStage({ behaviours: [BEHAVIOURS.runs], languages: [UNAVAILABLE, ...OFFERED] });
    assert.equal((await run({ version: wanted })).status, 'succeeded');
    assert.deepEqual(runner.versions, [meant]);
  });
}

test('a language that a runner cannot run is recorded with its reason, and never chosen', async () => {
  const cpp = { name: 'cpp', title: 'C++', compiled: true, unavailableReason: 'g++ is missing; install it' };
  const { ports, worker } = await onStage({ behaviours: [BEHAVIOURS.runs], languages: [cpp, ...OFFERED] });
  await until('it is recorded', async () => (await ports.store.runners()).length === 1);
  const [recorded, python] = (await ports.store.runners())[0]?.languages ?? [];
  assert.deepEqual(
    [recorded?.title, recorded?.compiled, recorded?.unavailableReason],
    ['C++', true, 'g++ is missing; install it'],
  );
  assert.equal(python?.unavailableReason, undefined);
  const enough = AbortSignal.timeout(500);
  assert.equal(await worker.pool.acquire({ language: 'cpp', version: '' }, enough), undefined);
});

test('of a range, the newest version of all runners is taken, even while an older one is free', async () => {
  const older = await startFakeRunner({ behaviours: [BEHAVIOURS.runs], languages: [{ version: '3.11.2' }] });
  const newer = await startFakeRunner({ behaviours: [BEHAVIOURS.runs], languages: [{ version: '3.13.1' }] });
  const names = [older.address, newer.address];
  const pool = createRunnerPool({ names, onDescribed: () => undefined, log: silentLog });
  opened.push(older.close, newer.close, async () => pool.close());
  await until('both are connected', () => pool.slots().runners === 2);
  const take = async (version: string) =>
    (await pool.acquire({ language: 'python', version }, AbortSignal.timeout(400)))?.language;
  assert.deepEqual([(await take('3'))?.version, (await take('^3.11'))?.version], ['3.13.1', '3.13.1']);
  assert.equal(await take('3'), undefined);
  assert.equal((await take(''))?.version, '3.11.2');
});

test('a worker that stops hands back what it cannot finish, uncounted, and starts nothing new', async () => {
  const { ports, worker, runner } = await withRunner(BEHAVIOURS.saysNothing);
  const job = aJob();
  await ports.store.insert(job);
  await ports.openQueue.queue.add('save', job.id);
  await until('it runs', () => runner.executed() === 1);
  await until('it is claimed', () => ports.store.isHeld(job.id));
  const late = aJob();
  await ports.store.insert(late);
  const closing = worker.close(CLOSE_MS);
  await ports.openQueue.queue.add('save', late.id);
  await closing;
  assert.equal(await ports.store.isHeld(job.id), false);
  const again = await ports.store.claim(job.id, 'exec', 'another');
  assert.equal(again.outcome, 'claimed');
  assert.equal(runner.executed(), 1);
});

test('a name without a port is no runner, and is said so at once', () => {
  for (const name of ['runner', 'runner:', '::1', 'unix:', 'runner:port']) {
    const open = () => createRunnerPool({ names: [name], onDescribed: () => undefined, log: silentLog });
    assert.throws(open, { message: `RUNNERS="${name}" must be host:port or unix:/path` });
  }
});

test('a job that no queue knows is found and run', async () => {
  const { ports } = await withRunner(BEHAVIOURS.runs);
  const job = aJob();
  await ports.store.insert(job);
  assert.equal((await endOf(ports, job.id)).status, 'succeeded');
});

test('a job that cannot be looked after does not keep the next one waiting', async () => {
  const { ports } = await withRunner(BEHAVIOURS.runs);
  const { store } = ports;
  const [bad, good] = [aJob(), aJob()];
  const { get } = store;
  store.get = async (id) => {
    if (id === bad.id) throw new Error('unreadable');
    return get(id);
  };
  await store.insert(bad);
  await store.insert(good);
  assert.equal((await endOf(ports, good.id)).status, 'succeeded');
});

test('a job that was to be cancelled before anybody claimed it ends `cancelled` and is not run', async () => {
  const { ports, runner } = await withRunner(BEHAVIOURS.runs);
  const job = aJob();
  await ports.store.insert(job);
  await ports.store.cancel(job.id);
  await ports.openQueue.queue.add('save', job.id);
  assert.equal((await endOf(ports, job.id)).status, 'cancelled');
  assert.equal(runner.executed(), 0);
});
