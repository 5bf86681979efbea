/** The command line as it is typed, against a real platform. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ADMIN_KEY, type Platform, startEmbedded, temporaryFolder } from './platforms.js';

const RUNLANE = fileURLToPath(new URL('../../../packages/cli/bin/runlane.mjs', import.meta.url));

let folder: string;
let platform: Platform;
before(async () => {
  folder = await temporaryFolder();
  platform = await startEmbedded(join(folder, 'data'));
  for (const [name, content] of Object.entries(PROGRAMS)) await writeFile(join(folder, name), content);
});
after(async () => {
  await platform?.stop();
  await rm(folder, { recursive: true, force: true });
});

const PROGRAMS = {
  'main.py':
    'import sys, helper\nprint(helper.hello(sys.argv[1]), sys.stdin.read())\nprint("€", file=sys.stderr)\nsys.exit(7)',
  'helper.py': 'def hello(name): return f"Hello, {name}"',
  'loop.py': 'print("begun", flush=True)\nwhile True: pass',
  'kill.py': 'import os\nos.kill(os.getpid(), 15)',
  'plot.py': 'import os\nos.makedirs("out/deep", exist_ok=True)\nopen("out/deep/sum.txt", "w").write("42")',
  'ask.py': 'print("name?", flush=True)\nprint("hello", input())',
  'bytes.py': 'import sys\nsys.stdout.buffer.write(bytes(range(256)))',
  noname: 'print(1)',
};

/** How it is called: what it reads, and what is done once it has written something. */
interface How {
  readonly input?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly onOutput?: (kill: (signal: NodeJS.Signals) => void) => void;
}

async function runlane(args: readonly string[], { input, env = {}, onOutput }: How = {}) {
  const child = spawn(process.execPath, [RUNLANE, ...args], {
    cwd: folder,
    env: { ...process.env, RUNLANE_URL: platform.baseUrl, ...env },
  });
  child.stdin.end(input ?? '');
  if (onOutput) child.stdout.once('data', () => onOutput((signal) => child.kill(signal)));
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk) => chunks.push(chunk));
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  const bytes = Buffer.concat(chunks);
  return { code, bytes, stdout: bytes.toString(), stderr };
}

test('run is as if the program ran here: files, input, arguments, output, exit code', async () => {
  const argv = ['run', 'main.py', 'helper.py', '--stdin', '-', '--', '--json'];
  const { code, stdout, stderr } = await runlane(argv, { input: 'typed' });
  assert.deepEqual([code, stdout, stderr], [7, 'Hello, --json typed\n', '€\n']);
});

test('run passes bytes on as they are, and takes a program from standard input', async () => {
  assert.deepEqual((await runlane(['run', 'bytes.py'])).bytes, Buffer.from(Array.from({ length: 256 }, (_, n) => n)));
  const { code, stdout } = await runlane(['run', '-', '-l', 'python'], { input: 'print(6 * 7)' });
  assert.deepEqual([code, stdout], [0, '42\n']);
});

test('run says by exit code, and in words, how a program was ended', async () => {
  const late = await runlane(['run', 'loop.py', '--limit', 'wallTimeMs=500']);
  assert.deepEqual([late.code, late.stdout], [124, 'begun\n']);
  assert.match(late.stderr, /^runlane: timed_out: the wall-clock time limit was reached\n$/);
  assert.equal((await runlane(['run', 'kill.py'])).code, 128 + 15);
});

test('Ctrl-C cancels what runs', async () => {
  const { code } = await runlane(['run', 'loop.py'], { onOutput: (kill) => kill('SIGINT') });
  assert.equal(code, 130);
  const { stdout } = await runlane(['run', '--json', '-', '-l', 'python'], { input: 'print(1)' });
  const { id } = JSON.parse(stdout);
  const list = (await (await fetch(`${platform.baseUrl}/v1/jobs?limit=2`)).json()) as { jobs: { id: string }[] };
  const [last, before] = list.jobs;
  assert.ok(last && before);
  assert.equal(last.id, id);
  const cancelled = await runlane(['result', before.id, '--wait', '--json']);
  assert.equal(JSON.parse(cancelled.stdout).status, 'cancelled');
});

test('run saves the files that a program leaves, or says that there are some', async () => {
  assert.match((await runlane(['run', 'plot.py'])).stderr, /it left deep\/sum\.txt; --out FOLDER saves them/);
  assert.equal((await runlane(['run', 'plot.py', '--out', 'saved'])).code, 0);
  assert.equal(await readFile(join(folder, 'saved/deep/sum.txt'), 'utf8'), '42');
});

test('run -i passes on what is typed', async () => {
  const { code, stdout } = await runlane(['run', '-i', 'ask.py'], { input: 'Ada\n' });
  assert.deepEqual([code, stdout], [0, 'name?\nhello Ada\n']);
});

test('submit, watch, result and cancel go together', async () => {
  const id = (await runlane(['submit', 'main.py', 'helper.py', '--', 'Ada'])).stdout.trim();
  for (const argv of [
    ['watch', id],
    ['result', id, '--wait'],
  ]) {
    const { code, stdout, stderr } = await runlane(argv);
    assert.deepEqual([code, stdout, stderr], [7, 'Hello, Ada \n', '€\n'], argv.join(' '));
  }
  const loop = JSON.parse((await runlane(['submit', 'loop.py', '--json'])).stdout);
  const early = await runlane(['result', loop.id]);
  assert.equal(early.code, 125);
  assert.match(early.stderr, /has not ended yet/);
  assert.equal((await runlane(['cancel', loop.id])).code, 0);
  assert.match((await runlane(['result', loop.id, '--wait', '--json'])).stdout, /"status": "cancelled"/);
});

test('a batch is submitted from JSON, an array or lines, and watched, told and cancelled like a job', async () => {
  const jobs = [{ code: 'print(1)' }, { code: '1 / 0' }];
  for (const input of [
    JSON.stringify({ jobs }),
    JSON.stringify(jobs),
    jobs.map((job) => JSON.stringify(job)).join('\n'),
  ]) {
    const { code, stdout } = await runlane(['submit', '--batch', '-', '--follow'], { input });
    assert.equal(code, 1);
    assert.match(stdout, /^\S+ {2}2 of 2 ended {2}(succeeded 1, failed 1|failed 1, succeeded 1)\n$/);
  }
  const id = (await runlane(['submit', '--batch', '-'], { input: JSON.stringify(jobs) })).stdout.trim();
  assert.match((await runlane(['watch', id])).stdout, /2 of 2 ended/);
  assert.equal(JSON.parse((await runlane(['result', id, '--json'])).stdout).finished, 2);
  assert.equal((await runlane(['cancel', id])).code, 0);
});

test('what is refused names its fields, and what is not there is said', async () => {
  const refused = await runlane(['run', 'loop.py', '--limit', 'wallTimeMs=-1', '--limit', 'colour=3']);
  assert.equal(refused.code, 125);
  assert.match(refused.stderr, /^runlane run: refused:\n {2}limits\.wallTimeMs: .+\n {2}limits\.colour: .+\n$/);
  const unknown = '01890a5d-ac96-774b-bcce-b302099a8057';
  for (const command of ['watch', 'result', 'cancel']) {
    const { code, stderr } = await runlane([command, unknown]);
    assert.deepEqual([code, stderr], [125, `runlane ${command}: there is no job ${unknown}\n`]);
  }
});

test('wrong usage is exit code 2, with the reason and how it is right', async () => {
  for (const [argv, reason] of [
    [['run'], /which program/],
    [['run', 'nowhere.py'], /there is no file nowhere\.py/],
    [['run', 'noname'], /which language is noname\?/],
    [['run', 'main.py', '../other.py'], /is not below/],
    [['run', 'main.py', '--env', 'A'], /NAME=VALUE/],
    [['run', 'main.py', '-t'], /--terminal goes with --interactive/],
    [['submit', 'main.py', '--follow'], /--follow goes with --batch/],
    [['submit', '--batch', 'main.py'], /neither JSON nor/],
    [['watch'], /Give the id/],
    [['bench', '--jobs', 'many'], /--jobs must be a whole number/],
    [['completion', 'tcsh'], /bash, zsh, fish/],
    [['run', '--server', 'nowhere', 'main.py'], /--server must be a URL/],
  ] as const) {
    const { code, stdout, stderr } = await runlane(argv);
    assert.deepEqual([code, stdout], [2, ''], argv.join(' '));
    assert.match(stderr, reason);
    assert.match(stderr, /\n\nUsage: runlane/);
  }
});

test('without a server it says how to start one', async () => {
  const { code, stderr } = await runlane(['result', 'x'], { env: { RUNLANE_URL: 'http://127.0.0.1:9' } });
  assert.equal(code, 125);
  assert.match(stderr, /no answer from .+; trying again in/);
  assert.match(stderr, /`npm start` starts a server here; --server URL or RUNLANE_URL names another\.\n$/);
});

test('bench tells jobs per second and latency, in words and in JSON', async () => {
  const { code, stdout } = await runlane(['bench', '--jobs', '20', '--clients', '4']);
  assert.equal(code, 0);
  assert.match(stdout, /^20 jobs, 4 at once: \d+\.\d per second, p50 \d+\.\d ms, p90 \d+\.\d ms, p99 \d+\.\d ms\n$/);
  const figures = JSON.parse(
    (await runlane(['bench', 'loop.py', '--limit', 'wallTimeMs=50', '--jobs', '2', '--json'])).stdout,
  );
  assert.deepEqual([figures.jobs, figures.notSucceeded], [2, 2]);
});

test('it tells its version, and of an option that there is not no more than that', async () => {
  assert.match((await runlane(['--version'])).stdout, /^runlane \d+\.\d+\.\d+\n$/);
  const { stderr } = await runlane(['run', 'main.py', '--bogus']);
  assert.match(stderr, /^runlane run: Unknown option '--bogus'\n\nUsage/);
});

test('completion is a script that its shell takes, and completes commands and options', async () => {
  const { stdout } = await runlane(['completion', 'bash']);
  const probe = `${stdout}\nCOMP_WORDS=(runlane "$1" "$2"); COMP_CWORD=$3; _runlane; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const complete = async (...words: string[]) => {
    const child = spawn('bash', ['-c', probe, 'bash', ...words]);
    return (await text(child.stdout)).trim().split('\n');
  };
  assert.deepEqual(await complete('re', '', '1'), ['result']);
  assert.deepEqual(await complete('run', '--lang', '2'), ['--language']);
  for (const shell of ['zsh', 'fish']) assert.match((await runlane(['completion', shell])).stdout, /runlane/);
});

test('keys are made, used, listed and revoked', async () => {
  const locked = await startEmbedded(join(folder, 'locked'), { AUTH: 'keys', ADMIN_KEY });
  try {
    const as = (key: string) => ({ env: { RUNLANE_URL: locked.baseUrl, RUNLANE_API_KEY: key } });
    const outside = await runlane(['run', 'noname', '-l', 'python'], as(''));
    assert.equal(outside.code, 125);
    assert.match(outside.stderr, /a key is needed.+\nSet RUNLANE_API_KEY/);
    const made = await runlane(
      ['keys', 'create', 'of a test', '--unfinished-jobs', '5', '--expires', '2d'],
      as(ADMIN_KEY),
    );
    const [, id = ''] = /^rl_([a-z0-9]{12})_\S{43}\n$/.exec(made.stdout) ?? [];
    assert.match(made.stderr, new RegExp(`id ${id}; nobody can tell the key again`));
    const key = made.stdout.trim();
    assert.equal((await runlane(['run', 'noname', '-l', 'python'], as(key))).stdout, '1\n');
    assert.equal((await runlane(['run', '-i', 'ask.py'], { ...as(key), input: 'Ada\n' })).stdout, 'name?\nhello Ada\n');
    assert.match((await runlane(['keys', 'list'], as(key))).stderr, /needs the scope "admin"/);
    assert.match(
      (await runlane(['keys', 'list'], as(ADMIN_KEY))).stdout,
      new RegExp(`\n${id} +of a test +submit read +${id} +5 jobs +\\S+Z +valid until `),
    );
    assert.equal((await runlane(['keys', 'revoke', id], as(ADMIN_KEY))).code, 0);
    assert.match((await runlane(['run', 'noname', '-l', 'python'], as(key))).stderr, /the key was revoked/);
    for (const argv of [
      ['create'],
      ['create', 'x', '--scope', 'root'],
      ['create', 'x', '--expires', 'soon'],
      ['revoke'],
      ['juggle'],
    ])
      assert.equal((await runlane(['keys', ...argv], as(ADMIN_KEY))).code, 2, argv.join(' '));
  } finally {
    await locked.stop();
  }
});
