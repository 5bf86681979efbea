/** The door for Piston's clients: its contract case by case on both forms of the platform, and two real clients, unmodified. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { skipWithout, until } from '@runlane/core/testing';
import { NodePistonClient, PistonClient } from 'piston-api-client';
import { WebSocket } from 'ws';
import { restDoor } from './doors.js';
import { ROOT } from './own-runner.js';
import { type Platform, startDistributed, startEmbedded, temporaryFolder } from './platforms.js';

const run = promisify(execFile);
const ULTRA = join(ROOT, 'tests/system/piston');
const VENV = join(ROOT, '.cache/ultra-piston');

await mkdir(join(ROOT, '.cache'), { recursive: true });
const noUltra = await run('python3', ['-m', 'venv', VENV])
  .then(() => run(join(VENV, 'bin/pip'), ['install', '-q', '-r', join(ULTRA, 'requirements.txt')]))
  .then(
    () => undefined,
    ({ stderr }) => `ultra-piston cannot be installed here: ${stderr}`,
  );

type Json = Record<string, unknown>;

const SLEEPS = 'import time\ntime.sleep(60)';
const program = (content: string, more: Json = {}): Json => ({
  language: 'python',
  version: '*',
  files: [{ content }],
  ...more,
});

/** Bodies of `/execute` that are refused with 400, and in which words. */
const REFUSED: readonly (readonly [string, Json, string | RegExp])[] = [
  ['no language', program('', { language: undefined }), 'language is required as a string'],
  ['an empty language', program('', { language: '' }), 'language is required as a string'],
  ['a version that is no text', program('', { version: 3 }), 'version is required as a string'],
  ['no files', program('', { files: undefined }), 'files is required as an array'],
  ['files that are no list', program('', { files: {} }), 'files is required as an array'],
  ['null for a file', program('', { files: [null] }), 'files[0].content is required as a string'],
  ['text for a file', program('', { files: [{ content: '' }, 'a'] }), 'files[1].content is required as a string'],
  ['a language that is not there', program('', { language: 'nope' }), 'nope-* runtime is unknown'],
  ['a name in upper case', program('', { language: 'Python' }), 'Python-* runtime is unknown'],
  ['a version that is not there', program('', { version: '2.x' }), 'python-2.x runtime is unknown'],
  ['a word for a version', program('', { version: 'latest' }), 'python-latest runtime is unknown'],
  ['an empty list', program('', { files: [] }), 'files must include at least one utf8 encoded file'],
  [
    'no file that is text',
    program('', { files: [{ content: '', encoding: 'hex' }] }),
    'files must include at least one utf8 encoded file',
  ],
  ['a limit that is text', program('', { run_timeout: '3' }), 'If specified, run_timeout must be a number'],
  ['a limit for nothing', program('', { compile_timeout: true }), 'If specified, compile_timeout must be a number'],
  ['a negative time', program('', { run_cpu_time: -1 }), 'run_cpu_time must be non-negative'],
  ['a limit too high', program('', { run_timeout: 1e9 }), /^run_timeout cannot exceed the configured limit of \d+$/],
  ['too little memory', program('', { run_memory_limit: 1000 }), /^run_memory_limit .*4194304/],
  ['a way out of the folder', program('', { files: [{ name: '../x', content: '' }] }), /^files\[0\]\.name must not/],
  ['a name that is no text', program('', { files: [{ name: 1, content: '' }] }), 'files[0].name must be a string'],
  ['stdin that is no text', program('', { stdin: 1 }), 'If specified, stdin must be a string'],
  ['args that are no list', program('', { args: 'ab' }), 'If specified, args must be an array of strings'],
];

interface Stage {
  readonly code: number | null;
  readonly signal: string | null;
  readonly status: string | null;
  readonly message: string | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly output: string;
}

const wellWith = (stdout: string) => ({ code: 0, signal: null, status: null, message: null, stdout, stderr: '' });

/** What runs, and what is told of its run. */
const RUNS: readonly (readonly [string, Json, Partial<Stage>])[] = [
  ['says hello', program('print(1)'), wellWith('1\n')],
  ['is named by an alias and a range', program('print(1)', { language: 'py', version: '>=3 <4' }), wellWith('1\n')],
  ['takes any version', program('print(1)', { version: ' ' }), wellWith('1\n')],
  ['fails', program('import sys\nsys.exit(3)'), { code: 3, status: 'RE', message: 'Exited with error status 3' }],
  [
    'crashes',
    program('import os\nos.kill(os.getpid(), 11)'),
    { code: null, signal: 'SIGSEGV', status: 'SG', message: 'Caught fatal signal 11' },
  ],
  [
    'sleeps too long',
    program(`print(1, flush=True)\n${SLEEPS}`, { run_timeout: 500 }),
    { code: null, signal: 'SIGKILL', status: 'TO', message: 'Time limit exceeded (wall clock)', stdout: '1\n' },
  ],
  [
    'uses its processor time up',
    program('while True: pass', { run_cpu_time: 300 }),
    { code: null, signal: 'SIGKILL', status: 'TO', message: 'Time limit exceeded' },
  ],
  [
    'takes too much memory',
    program('b"x" * (1 << 29)', { run_memory_limit: 64 << 20 }),
    { code: null, signal: 'SIGKILL', status: 'SG' },
  ],
  ['writes too much', program('while True: print(1)'), { code: null, status: 'OL', message: 'stdout length exceeded' }],
  [
    'writes too many errors',
    program('import sys\nwhile True: sys.stderr.write("1" * 99)'),
    { code: null, status: 'EL', message: 'stderr length exceeded' },
  ],
  ['reads a line that had no end', program('print(repr(input()), end="")', { stdin: 'a' }), wellWith("'a'")],
  ['has no input but the end of a line', program('import sys\nprint(repr(sys.stdin.read()))'), wellWith("'\\n'\n")],
  ['gets arguments', program('import sys\nprint(sys.argv[1:])', { args: ['a b', 1] }), wellWith("['a b', '1']\n")],
  [
    'has several files, the first that is text being the main one',
    program('', {
      files: [
        { name: 'data.bin', content: 'AP8=', encoding: 'base64' },
        { name: 'a/start.py', content: 'import sys\nsys.path.insert(0, ".")\nimport more' },
        { name: 'more.py', content: 'never' },
        { name: 'more.py', content: 'print(open("data.bin", "rb").read())' },
      ],
    }),
    wellWith("b'\\x00\\xff'\n"),
  ],
  ['has limits of 0 and -1', program('print(1)', { run_timeout: 0, run_memory_limit: -1 }), wellWith('1\n')],
  ['is in C, in a file without a name', program('int main(void) { return 2; }', { language: 'gcc' }), { code: 2 }],
];

/** A client that says `first` at once, and the rest when its program runs; what it was told, and how it was closed. */
function connect(platform: Platform, first?: unknown, ...rest: readonly unknown[]): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const told: unknown[] = [];
    const socket = new WebSocket(`${platform.baseUrl.replace('http', 'ws')}/api/v2/connect`);
    const say = (message: unknown) => socket.send(typeof message === 'string' ? message : JSON.stringify(message));
    socket.on('open', () => first !== undefined && say(first));
    socket.on('message', (data) => {
      const message = JSON.parse(String(data));
      told.push(message);
      if (message.stage === 'run' && message.type === 'stage') for (const each of rest) say(each);
    });
    socket.on('close', (code, reason) => resolve([...told, code, String(reason)]));
    socket.on('error', reject);
  });
}

const init = (content: string, more: Json = {}) => ({ type: 'init', ...program(content, more) });
const stdin = (data: string) => ({ type: 'data', stream: 'stdin', data });
const told = (stream: string, data: string) => ({ type: 'data', stream, data });
const exit = (stage: string, code: number | null, signal: string | null) => ({ type: 'exit', stage, code, signal });
const stage = (name: string) => ({ type: 'stage', stage: name });
const completed = [4999, 'Job Completed'];

/** A connection: what the client says, and what it is told after `runtime`. */
const CONNECTIONS: readonly (readonly [string, readonly unknown[], readonly unknown[]])[] = [
  ['says nothing', [], [4001, 'Initialization Timeout']],
  ['sends a program', [init('print(1)')], [stage('run'), told('stdout', '1\n'), exit('run', 0, null), ...completed]],
  [
    'wants an unknown language',
    [init('', { language: 'nope' })],
    [{ type: 'error', message: 'nope-* runtime is unknown' }, 4002, 'Notified Error'],
  ],
  [
    'sends no files',
    [init('', { files: undefined })],
    [{ type: 'error', message: 'files is required as an array' }, 4002, 'Notified Error'],
  ],
  ['sends no JSON', ['nonsense'], [{ type: 'error', message: 'the body is not valid JSON' }, 4002, 'Notified Error']],
  ['sends input first', [stdin('')], [4003, 'Not yet initialized']],
  ['sends a signal first', [{ type: 'signal', signal: 'SIGTERM' }], [4003, 'Not yet initialized']],
  ['begins twice', [init(SLEEPS), init('')], [stage('run'), 4000, 'Already Initialized']],
  [
    'writes to stdout',
    [init(SLEEPS), { ...stdin(''), stream: 'stdout' }],
    [stage('run'), 4004, 'Can only write to stdin'],
  ],
  ['invents a signal', [init(SLEEPS), { type: 'signal', signal: 'SIGNOPE' }], [stage('run'), 4005, 'Invalid signal']],
  [
    'types a line',
    [init('print(input())'), stdin('hi\n')],
    [stage('run'), told('stdout', 'hi\n'), exit('run', 0, null), ...completed],
  ],
  [
    'gives stdin with the program, where it is not taken',
    [init('print(input())', { stdin: 'x\n', run_timeout: 500 })],
    [stage('run'), exit('run', null, 'SIGKILL'), ...completed],
  ],
  ['exits with 3', [init('import sys\nsys.exit(3)')], [stage('run'), exit('run', 3, null), ...completed]],
  [
    'sends a signal',
    [init(SLEEPS), { type: 'signal', signal: 'SIGTERM' }],
    [stage('run'), exit('run', null, 'SIGTERM'), ...completed],
  ],
  [
    'closes its input',
    [init('import sys\nprint(len(sys.stdin.read()))'), stdin('a'.repeat(100_000)), { type: 'close_stdin' }],
    [stage('run'), told('stdout', '100000\n'), exit('run', 0, null), ...completed],
  ],
  [
    'sends C',
    [init('int main(void) { return 2; }', { language: 'c' })],
    [stage('compile'), exit('compile', 0, null), stage('run'), exit('run', 2, null), ...completed],
  ],
];

const FORMS = [
  { name: 'embedded', skip: false as const },
  { name: 'distributed', skip: skipWithout('redis-server', 'mongo-wire') },
] as const;

for (const { name, skip } of FORMS) {
  describe(`the ${name} platform, to clients of Piston`, { skip }, () => {
    let platform: Platform;
    before(async () => {
      platform = await (name === 'embedded' ? startEmbedded(await temporaryFolder()) : startDistributed());
    });
    after(() => platform?.stop());

    async function post(path: string, body: unknown, type = 'application/json') {
      const response = await fetch(platform.baseUrl + path, {
        method: 'POST',
        headers: { 'Content-Type': type },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      });
      return { status: response.status, json: (await response.json()) as Json };
    }

    test('says which version it is like, and what it runs, under both prefixes', async () => {
      const get = async (path: string) => (await fetch(platform.baseUrl + path)).json();
      assert.match(((await get('/')) as { message: string }).message, /^Piston v\d+\.\d+\.\d+$/);
      const runtimes = (await get('/api/v2/runtimes')) as { language: string; version: string; aliases: string[] }[];
      assert.ok(runtimes.some(({ language, aliases }) => language === 'python' && aliases.includes('py')));
      assert.deepEqual(await get('/api/v2/piston/runtimes/'), runtimes);
    });

    for (const [what, body, message] of REFUSED)
      test(`refuses ${what}`, async () => {
        const { status, json } = await post('/api/v2/execute', body);
        assert.deepEqual([status, Object.keys(json)], [400, ['message']]);
        if (message instanceof RegExp) assert.match(String(json.message), message);
        else assert.equal(json.message, message);
      });

    test('refuses what is no JSON, and knows no other paths', async () => {
      assert.deepEqual(await post('/api/v2/execute', '{'), {
        status: 400,
        json: { message: 'the body is not valid JSON' },
      });
      const asText = await post('/api/v2/nothing', '{}', 'text/plain');
      assert.deepEqual(asText, { status: 415, json: { message: 'requests must be of type application/json' } });
      const missing = { status: 404, json: { message: 'Not Found' } };
      assert.deepEqual([await post('/api/v2/nothing', {}), await post('/api/v2/runtimes', {})], [missing, missing]);
      const plain = await fetch(`${platform.baseUrl}/api/v2/connect`);
      assert.deepEqual([plain.status, await plain.json()], [404, missing.json]);
    });

    for (const [what, body, expected] of RUNS)
      test(`runs a program that ${what}`, async () => {
        const { status, json } = await post('/api/v2/piston/execute', body);
        assert.equal(status, 200, JSON.stringify(json));
        const { run: ran } = json as { run: Stage };
        const seen = Object.fromEntries(Object.keys(expected).map((key) => [key, ran[key as keyof Stage]]));
        assert.deepEqual(seen, expected);
      });

    test('tells both streams in their order, and every field', async () => {
      const code =
        'import sys, time\nfor n in range(4):\n  print(n, file=[sys.stdout, sys.stderr][n % 2], flush=True)\n  time.sleep(.1)';
      const { json } = await post('/api/v2/execute', program(code));
      const { run: ran, ...rest } = json as { run: Stage & Json; language: string; version: string };
      assert.equal(ran.output, '0\n1\n2\n3\n');
      assert.deepEqual(Object.keys(rest), ['language', 'version']);
      const numbers = [ran.memory, ran.cpu_time, ran.wall_time].map((value) => typeof value);
      assert.deepEqual(numbers, ['number', 'number', 'number']);
    });

    test('shows what does not compile in both stages', async () => {
      const { status, json } = await post('/api/v2/execute', program('int main(', { language: 'c' }));
      const { compile, run: ran } = json as { compile: Stage; run: Stage };
      assert.deepEqual([status, compile.code, compile.status], [200, 1, 'RE']);
      assert.match(compile.stderr, /error/);
      assert.deepEqual(ran, compile);
    });

    test('installs nothing over HTTP', async () => {
      const [{ version }] = ((await (await fetch(`${platform.baseUrl}/api/v2/packages`)).json()) as Json[])
        .filter(({ language }) => language === 'python')
        .map(({ language_version }) => ({ version: language_version })) as [{ version: unknown }];
      const there = await post('/api/v2/packages', { language: 'python', version });
      assert.deepEqual(there, { status: 400, json: { message: 'Already installed' } });
      const missing = await post('/api/v2/packages', { language: 'x', version: '1.0.0' });
      assert.equal(missing.status, 404);
      assert.match(String(missing.json.message), /^Requested package x-1\.0\.0 does not exist; .*npx runlane/);
    });

    for (const [what, said, expected] of CONNECTIONS)
      test(`connected, a client ${what}`, async () => {
        const [first, ...others] = said;
        const answers = await connect(platform, first, ...others);
        const runtime = (answers[0] as Json)?.type === 'runtime';
        assert.deepEqual(runtime ? answers.slice(1) : answers, expected);
      });

    test('a program ends when who waits for it, or is connected to it, leaves', async () => {
      const gone = new AbortController();
      const body = JSON.stringify(program(SLEEPS));
      const headers = { 'Content-Type': 'application/json' };
      const asked = fetch(`${platform.baseUrl}/api/v2/execute`, { method: 'POST', headers, body, signal: gone.signal });
      const socket = new WebSocket(`${platform.baseUrl.replace('http', 'ws')}/api/v2/connect`);
      socket.on('open', () => socket.send(JSON.stringify(init(SLEEPS))));
      const withStatus = async (status: string) => {
        const response = await fetch(`${platform.baseUrl}/v1/jobs?status=${status}&limit=2`);
        return ((await response.json()) as { jobs: { id: string }[] }).jobs;
      };
      await until('both run', async () => (await withStatus('running')).length === 2);
      const ids = (await withStatus('running')).map(({ id }) => id);
      gone.abort();
      socket.terminate();
      await assert.rejects(asked);
      const door = restDoor(platform);
      await until('both are cancelled', async () => {
        const statuses = await Promise.all(ids.map(async (id) => (await door.get(id)).status));
        return statuses.every((status) => status === 'cancelled');
      });
    });

    for (const Client of [PistonClient, NodePistonClient])
      test(`piston-api-client works, unmodified: ${Client.name}`, async () => {
        // Its cache keeps a timer, of a day where nothing is said.
        const client = new Client({ server: platform.baseUrl, cacheTime: 1 });
        const runtimes = await client.runtimes();
        assert.ok(runtimes.success && runtimes.data.some(({ language }) => language === 'python'));
        const code = 'import sys\nprint(input(), sys.argv[1:])';
        const ran = await client.execute({
          ...(program(code) as never as Parameters<typeof client.execute>[0]),
          stdin: 'in',
          args: ['a'],
        });
        assert.ok(ran.success, JSON.stringify(ran));
        assert.deepEqual([ran.data.run.stdout, ran.data.run.code], ["in ['a']\n", 0]);
      });

    test('ultra-piston works, unmodified', { skip: process.env.CI === 'true' ? false : noUltra }, async () => {
      assert.equal(noUltra, undefined);
      const { stdout } = await run(join(VENV, 'bin/python'), [join(ULTRA, 'ultra.py'), `${platform.baseUrl}/api/v2/`]);
      const { runtimes, packages, refusal, ...ran } = JSON.parse(stdout);
      assert.ok(runtimes.includes('python') && packages.includes('python'));
      assert.match(refusal, /status_code=400/);
      assert.deepEqual(ran, {
        hello: ["in ['a', 'b']\n", '', 0, null, null],
        fails: ['out\n', 'err\n', 3, null, null],
        compiled: ['c\n', '', 0, null, 0],
        async: ['async\n', '', 0, null, null],
      });
    });
  });
}
