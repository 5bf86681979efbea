import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import type { NewJob } from '@runlane/client';
import { toNewJob } from './program.js';
import { snippetsFor } from './snippets.js';

const NASTY = `print('it''s', """three""", "\\n", '\\u0041', "$HOME \`id\`")\n"""" ""\\"" \\"""\n`;
const JOB: NewJob = { language: 'python', code: NASTY, stdin: '"""\n', args: ["'", '"""', '\\'] };
const SERVER = { url: 'http://localhost:3000', keyed: false };
const textOf = (title: string, job = JOB, server = SERVER) =>
  snippetsFor(job, server).find((snippet) => snippet.title === title)?.text ?? '';

const ENV = { ...process.env, RUNLANE_API_KEY: 'the key' };

/** What a shell makes of the words after a command. */
const wordsOf = (command: string): string[] =>
  execFileSync('bash', ['-c', `show() { printf '%s\\0' "$@"; }; ${command.replace(/^\w+/, 'show')}`], { env: ENV })
    .toString()
    .split('\0');

test('curl is given the very program, whatever quotes are in it', () => {
  const words = wordsOf(textOf('curl'));
  assert.deepEqual(JSON.parse(words[words.indexOf('-d') + 1] ?? ''), JOB);
});

test('Python reads the very program', () => {
  const [upToRequest] = textOf('Python').split('request = ');
  const printed = execFileSync('python3', ['-c', `${upToRequest}\nprint(json.dumps(job))`]).toString();
  assert.deepEqual(JSON.parse(printed), JOB);
});

test('TypeScript sends the very program', () => {
  const [, body = ''] = /JSON\.stringify\(([\s\S]*)\),\n\}\);/.exec(textOf('TypeScript')) ?? [];
  assert.deepEqual(JSON.parse(body), JOB);
});

test('grpcurl is given bytes as base64', () => {
  const words = wordsOf(
    textOf('grpcurl', { language: 'c', files: [{ path: 'a.c', content: 'é' }], entry: 'a.c', stdin: 'x' }),
  );
  assert.deepEqual(JSON.parse(words[words.indexOf('-d') + 1] ?? ''), {
    program: { language: 'c', files: [{ path: 'a.c', content: 'w6k=' }], entry: 'a.c', stdin: 'eA==' },
  });
});

test('where a key is in use, all take it from a variable, and else none speaks of it', () => {
  const keyed = { ...SERVER, keyed: true };
  for (const title of ['curl', 'grpcurl']) {
    const words = wordsOf(textOf(title, JOB, keyed));
    assert.equal(words[words.indexOf('Authorization: Bearer the key') - 1], '-H', title);
  }
  const [upToSending] = textOf('Python', JOB, keyed).split('ended = ');
  const print = `${upToSending}\nprint(request.get_header("Authorization"), request.get_header("Prefer"))`;
  assert.equal(execFileSync('python3', ['-c', print], { env: ENV }).toString(), 'Bearer the key wait=60\n');
  const [, headers] = /headers: (\{[\s\S]*?\n {2}\}),/.exec(textOf('TypeScript', JOB, keyed)) ?? [];
  assert.deepEqual(new Function('process', `return ${headers}`)({ env: ENV }), {
    'Content-Type': 'application/json',
    Prefer: 'wait=60',
    Authorization: 'Bearer the key',
  });
  for (const { title, text } of snippetsFor(JOB, SERVER)) assert.doesNotMatch(text, /Authorization|API_KEY/, title);
});

test('grpcurl speaks as openly as the page came', () => {
  assert.match(textOf('grpcurl'), /^grpcurl -plaintext -d /);
  const encrypted = textOf('grpcurl', JOB, { url: 'https://runlane.example.org', keyed: false });
  assert.match(encrypted, /^grpcurl -d /);
  assert.match(encrypted, /\brunlane\.example\.org:50051 /);
});

test('a program in one file of the usual name is sent as code, every other as files', () => {
  const program = {
    language: 'python',
    version: '',
    files: [{ path: 'main.py', content: '1' }],
    entry: 'main.py',
    stdin: '',
    args: '',
    talk: 'before',
  } as const;
  assert.deepEqual(toNewJob(program, 'main.py'), { language: 'python', code: '1' });
  assert.deepEqual(toNewJob({ ...program, talk: 'live' }, 'main.py', { wallTimeMs: 60_000 }).limits, {
    wallTimeMs: 60_000,
  });
  assert.deepEqual(toNewJob({ ...program, talk: 'live', args: 'a b', timeLimit: 1.5, memoryLimit: 64 }, 'app.py'), {
    language: 'python',
    files: [{ path: 'main.py', content: '1' }],
    entry: 'main.py',
    args: ['a', 'b'],
    limits: { wallTimeMs: 1_500, memoryBytes: 67_108_864 },
    interactive: {},
  });
});
