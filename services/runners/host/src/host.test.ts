/** The runner host as its callers see it: real processes, real gRPC, real sandboxes. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { status } from '@grpc/grpc-js';
import { runner } from '@runlane/contract';
import { digestOf } from './artifacts.js';
import { ask, beginOn, bundleOf, finish, type Host, refusal, SLOTS, startHost, stopHost } from './host.fixture.js';

const LANGUAGES_DIR = fileURLToPath(new URL('../../', import.meta.url));

let folder: string;
let host: Host;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runlane-host-test-'));
  if (process.getuid?.() === 0) await chmod(folder, 0o777);
  host = await startHost(folder);
});
after(async () => {
  await stopHost(host);
  await rm(folder, { recursive: true, force: true });
});

const describe = () => ask<runner.DescribeResponse>(host.client, (client, done) => client.describe({}, done));
const findMissing = (digests: string[]) =>
  ask<runner.FindMissingResponse>(host.client, (client, done) => client.findMissing({ digests }, done));
const askPrepare = (request: runner.PrepareRequest, client = host.client) =>
  ask<runner.PrepareResponse>(client, (to, done) => to.prepare(request, done));
const begin = (artifactDigest: string, more: Partial<runner.Start> = {}, client = host.client) =>
  beginOn(client, artifactDigest, more);

async function prepare(code: string, client = host.client): Promise<string> {
  const request = {
    language: 'python',
    version: '',
    entry: 'main.py',
    bundle: bundleOf({ 'main.py': code }),
    limits: undefined,
  };
  const { artifactDigest } = await askPrepare(request, client);
  return artifactDigest;
}

test('it describes its languages, slots and isolation', async () => {
  const described = await describe();
  const python = described.languages.find(({ name }) => name === 'python');
  assert.match(python?.version ?? '', /^3\.\d+\.\d+/);
  assert.equal(python?.defaultLimits?.memoryBytes, 256 * 1024 * 1024);
  assert.deepEqual([described.slots, described.freeSlots], [SLOTS, SLOTS]);
  assert.match(described.isolation?.summary ?? '', /^jail:userns\+pid\+mount\+net\+ipc\+uts\+seccomp/);
  assert.equal(described.isolation?.weak, false);
});

test('a program runs: admitted, started, output, exited', async () => {
  const { stdout, exited, order } = await finish(begin(await prepare('print("Hello, World!")')));
  assert.equal(stdout, 'Hello, World!\n');
  assert.deepEqual(order, ['admitted', 'started', 'output', 'exited']);
  assert.deepEqual([exited.reason, exited.exitCode, exited.signal], [runner.EndReason.EXITED, 0, undefined]);
  assert.match(exited.isolation, /^jail:/);
});

test('every sample program of every language ends as it must', async (t) => {
  for (const language of (await describe()).languages) {
    const samples = join(LANGUAGES_DIR, language.name, 'tests');
    if (!existsSync(samples)) continue;
    const expected: Record<string, { stdin?: string; exitCode: number; stdout: string; stderr?: string }> = JSON.parse(
      await readFile(join(samples, 'expected.json'), 'utf8'),
    );
    for (const [file, { stdin = '', exitCode, stdout, stderr = '' }] of Object.entries(expected)) {
      await t.test(`${language.name}/${file}`, async () => {
        const bundle = bundleOf({ [language.entry]: await readFile(join(samples, file), 'utf8') });
        const request = {
          language: language.name,
          version: language.version,
          entry: language.entry,
          bundle,
          limits: undefined,
        };
        const { artifactDigest } = await askPrepare(request);
        const start = { language: language.name, entry: language.entry, stdin: Buffer.from(stdin) };
        const outcome = await finish(begin(artifactDigest, start));
        assert.equal(outcome.exited.exitCode, exitCode, outcome.stderr);
        assert.equal(outcome.stdout, stdout);
        assert.match(outcome.stderr, new RegExp(stderr));
      });
    }
  }
});

test('limits end a run with their reason', async () => {
  const outcome = await finish(begin(await prepare('while True: pass'), { limits: { wallTimeMs: 300 } }));
  assert.equal(outcome.exited.reason, runner.EndReason.WALL_TIME);
  const hungry = await finish(begin(await prepare('x = b"x" * 300_000_000\nimport time; time.sleep(1)')));
  assert.equal(hungry.exited.reason, runner.EndReason.MEMORY);
});

test('standard input comes with the start, or message by message', async () => {
  const digest = await prepare('import sys; print(sys.stdin.read())');
  assert.equal((await finish(begin(digest, { stdin: Buffer.from('at once') }))).stdout, 'at once\n');
  const call = begin(digest, { stdin: Buffer.from('one '), keepStdinOpen: true });
  const outcome = finish(call);
  call.write({ message: { $case: 'go', value: {} } }, () => {});
  call.write({ message: { $case: 'stdin', value: Buffer.from('two') } });
  call.write({ message: { $case: 'closeStdin', value: {} } });
  assert.equal((await outcome).stdout, 'one two\n');
});

test('files of a run lie beside the program for this run alone, and never in the place of its own', async () => {
  const digest = await prepare(
    'import os; print(sorted(os.listdir()), open("input").read() if os.path.exists("input") else "")',
  );
  const files = bundleOf({ input: 'for this run', 'deep/er': '' });
  assert.equal((await finish(begin(digest, { files }))).stdout, "['deep', 'input', 'main.py', 'out'] for this run\n");
  assert.equal((await finish(begin(digest))).stdout, "['main.py', 'out'] \n");
  for (const [path, reason] of [
    ['main.py', /the path of a file of the artifact/],
    ['main.py/x', /or one below it/],
    ['../x', /files\.files\[0\]\.path has an empty, "\." or "\.\."/],
  ] as const) {
    const { code, details } = await refusal(finish(begin(digest, { files: bundleOf({ [path]: '' }) })));
    assert.equal(code, status.INVALID_ARGUMENT);
    assert.match(details, reason);
  }
  const large = bundleOf({ large: 'x'.repeat(3_932_160) });
  assert.match((await refusal(finish(begin(digest, { files: large })))).details, /longer than 3932160 bytes/);
  const fits = bundleOf({ input: 'x'.repeat(3.5 * 1024 * 1024) });
  const counts = await prepare('print(len(open("input").read()))');
  assert.equal((await finish(begin(counts, { files: fits }))).stdout, '3670016\n');
});

test('a signal reaches the program', async () => {
  const call = begin(await prepare('import time; print("up"); time.sleep(60)'));
  call.on('data', ({ message }: runner.ExecuteResponse) => {
    if (message?.$case === 'output') call.write({ message: { $case: 'signal', value: { name: 'SIGTERM' } } });
  });
  assert.equal((await finish(call)).exited.signal, 'SIGTERM');
});

test('past its slots it says RESOURCE_EXHAUSTED, and a slot is free again when its run has ended', async () => {
  const digest = await prepare('import time; time.sleep(0.5)');
  const running = Array.from({ length: SLOTS }, () => finish(begin(digest)));
  await new Promise((resolve) => setTimeout(resolve, 100));
  const refused = await refusal(finish(begin(digest)));
  assert.equal(refused.code, status.RESOURCE_EXHAUSTED);
  await Promise.all(running);
  assert.equal((await finish(begin(digest))).exited.exitCode, 0);
});

test('without go the slot is freed after five seconds', async () => {
  const started = performance.now();
  const refused = await refusal(finish(begin(await prepare('pass')), false));
  assert.equal(refused.code, status.DEADLINE_EXCEEDED);
  const took = performance.now() - started;
  assert.ok(took > 4500 && took < 8000, `${took} ms`);
  assert.equal((await describe()).freeSlots, SLOTS);
});

test('an artifact that it does not hold is FAILED_PRECONDITION; uploaded, it runs', async () => {
  const bytes = bundleOf({ 'main.py': 'print("uploaded")' });
  const digest = digestOf(bytes);
  assert.deepEqual((await findMissing([digest])).digests, [digest]);
  assert.equal((await refusal(finish(begin(digest)))).code, status.FAILED_PRECONDITION);
  await upload(digest, bytes);
  assert.deepEqual((await findMissing([digest])).digests, []);
  assert.equal((await finish(begin(digest))).stdout, 'uploaded\n');
  const chunks: Buffer[] = [];
  for await (const { chunk } of host.client.download({ digest }) as AsyncIterable<runner.DownloadResponse>)
    chunks.push(chunk);
  assert.deepEqual(Buffer.concat(chunks), bytes);
});

test('an upload whose bytes do not have its digest is refused and not kept', async () => {
  const digest = 'a'.repeat(64);
  assert.equal((await refusal(upload(digest, bundleOf({ 'main.py': '' })))).code, status.INVALID_ARGUMENT);
  assert.deepEqual((await findMissing([digest])).digests, [digest]);
});

function upload(digest: string, bytes: Buffer): Promise<runner.UploadResponse> {
  return new Promise((resolve, reject) => {
    const call = host.client.upload((reason, response) => (reason ? reject(reason) : resolve(response)));
    call.write({ part: { $case: 'digest', value: digest } });
    for (let at = 0; at < bytes.length; at += 10)
      call.write({ part: { $case: 'chunk', value: bytes.subarray(at, at + 10) } });
    call.end();
  });
}

test('an unknown language or version is NOT_FOUND', async () => {
  const bundle = bundleOf({ 'main.py': '' });
  for (const [language, version] of [
    ['cobol', ''],
    ['python', '2.7'],
    ['__proto__', ''],
  ] as const) {
    const request = { language, version, entry: 'main.py', bundle, limits: undefined };
    assert.equal((await refusal(askPrepare(request))).code, status.NOT_FOUND);
  }
});

test('a path that leads elsewhere is refused, and named', async () => {
  for (const path of [
    '../x',
    '/etc/x',
    'a/../../x',
    '.',
    'a//b',
    'a\0b',
    'a\nb',
    `${'x'.repeat(300)}`,
    'a/b/c/d/e/f/g/h/i',
    '',
  ]) {
    const bundle = bundleOf({ 'main.py': '', [path]: '' });
    const request = { language: 'python', version: '', entry: 'main.py', bundle, limits: undefined };
    const refused = await refusal(askPrepare(request));
    assert.equal(refused.code, status.INVALID_ARGUMENT);
    assert.match(refused.details, /bundle\.files\[1\]\.path/);
  }
});

test('what cannot be run is refused before anything starts, naming the field', async () => {
  const digest = await prepare('pass');
  const bad: [Partial<runner.Start>, RegExp][] = [
    [{ limits: { memoryBytes: 2 ** 40 } }, /limits\.memoryBytes/],
    [{ limits: { wallTimeMs: 0 } }, /limits\.wallTimeMs/],
    [{ entry: 'other.py' }, /entry/],
    [{ entry: '../main.py' }, /entry/],
    [{ args: ['a\0b'] }, /args\[0\]/],
    [{ args: Array.from({ length: 65 }, () => 'a') }, /args/],
    [{ env: { 'A=B': '1' } }, /env/],
    [{ stdin: Buffer.alloc(1024 * 1024 + 1) }, /stdin/],
    [{ artifactDigest: 'nonsense' }, /artifact_digest/],
  ];
  for (const [start, field] of bad) {
    const refused = await refusal(finish(begin(digest, start)));
    assert.equal(refused.code, status.INVALID_ARGUMENT, refused.message);
    assert.match(refused.details, field);
  }
});

test('a program whose files do not fit below its own limits is refused, and not blamed on us', async () => {
  const files = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`d/${n}`, 'x']));
  const bundle = bundleOf({ 'main.py': '', ...files });
  const { artifactDigest } = await askPrepare({
    language: 'python',
    version: '',
    entry: 'main.py',
    bundle,
    limits: undefined,
  });
  for (const [limits, field] of [
    [{ inodes: 20 }, /limits\.inodes/],
    [{ diskBytes: 4096 }, /limits\.diskBytes/],
  ] as const) {
    const refused = await refusal(finish(begin(artifactDigest, { limits })));
    assert.equal(refused.code, status.INVALID_ARGUMENT);
    assert.match(refused.details, field);
  }
  assert.equal(
    (await finish(begin(artifactDigest, { limits: { inodes: 24, diskBytes: 131_072 } }))).exited.exitCode,
    0,
  );
});

test('bytes that are no bundle are refused', async () => {
  const request = {
    language: 'python',
    version: '',
    entry: 'main.py',
    bundle: Buffer.from('nonsense'),
    limits: undefined,
  };
  assert.equal((await refusal(askPrepare(request))).code, status.INVALID_ARGUMENT);
});

test('cancelling the call leaves no process, and frees the slot', async () => {
  const mark = `mark${Math.random()}`;
  const code = `import os, sys\nprint("up")\nos.fork()\nos.execv(sys.executable, ["${mark}", "-c", "import time; time.sleep(60)"])`;
  const call = begin(await prepare(code));
  call.on('data', ({ message }: runner.ExecuteResponse) => {
    if (message?.$case === 'output') call.cancel();
  });
  assert.equal((await refusal(finish(call))).code, status.CANCELLED);
  await until(async () => (await marked(mark)) === 0);
  await until(async () => (await describe()).freeSlots === SLOTS);
});

test('a caller that leaves while files are handed over is no error of ours', async () => {
  const before = host.logged.length;
  const leaves = await prepare('import os\nfor n in range(60): open(f"out/{n}", "wb").write(bytes(120_000))');
  for (let round = 0; round < 8; round += 1) {
    const call = begin(leaves);
    await assert.rejects(async () => {
      for await (const { message } of call as AsyncIterable<runner.ExecuteResponse>) {
        if (message?.$case === 'admitted') call.write({ message: { $case: 'go', value: {} } });
        if (message?.$case === 'file') call.cancel();
      }
    });
  }
  // Served after them, so that whatever they led to is in the log.
  await finish(begin(await prepare('pass')));
  assert.deepEqual(
    host.logged.slice(before).filter((line) => line.includes('"level":50')),
    [],
  );
});

test('nothing of the host’s environment, and nothing of a program, goes where it should not', async () => {
  const word = `word${Math.random()}`;
  const { stdout } = await finish(begin(await prepare(`import os; print("${word}", dict(os.environ))`)));
  assert.ok(!stdout.includes('CANARY'));
  assert.ok(!host.logged.some((line) => line.includes(word)), 'program text is in the log');
});

test('started as root, the host itself is an ordinary user', {
  skip: process.getuid?.() !== 0 && 'needs root',
}, async () => {
  const text = await readFile(`/proc/${host.process.pid}/status`, 'utf8');
  assert.match(text, /^Uid:\s+65534\s+65534\s+65534\s+65534$/m);
  assert.match(text, /^CapEff:\s+0+$/m);
});

test('on SIGTERM it finishes what runs, ends with 0 and leaves nothing behind', async () => {
  const foldersBefore = (await readdir(folder)).length;
  const other = await startHost(folder);
  const outcome = finish(
    begin(await prepare('import time; time.sleep(0.7); print("whole")', other.client), {}, other.client),
  );
  await new Promise((resolve) => setTimeout(resolve, 300));
  other.process.kill('SIGTERM');
  assert.equal((await outcome).stdout, 'whole\n');
  assert.deepEqual(await once(other.process, 'exit'), [0, null]);
  other.client.close();
  assert.equal((await readdir(folder)).length, foldersBefore, 'only those of the host that still runs');
});

test('killed, it leaves no process of any run', async () => {
  const other = await startHost(folder);
  const mark = `mark${Math.random()}`;
  const code = `import os, sys\nos.execv(sys.executable, ["${mark}", "-c", "import time; time.sleep(60)"])`;
  const outcome = finish(begin(await prepare(code, other.client), {}, other.client));
  await until(async () => (await marked(mark)) === 1);
  other.process.kill('SIGKILL');
  await refusal(outcome);
  await until(async () => (await marked(mark)) === 0);
  other.client.close();
});

async function marked(mark: string): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return lines.filter((line) => line.startsWith(mark)).length;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 5000;
  while (!(await condition())) {
    assert.ok(performance.now() < deadline, 'it did not happen within 5 s');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
