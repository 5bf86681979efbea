import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import type { NewJob } from '@runlane/client';
import { toNewJob } from './program.js';
import { snippetsFor } from './snippets.js';

const NASTY = `print('it''s', """three""", "\\n", '\\u0041', "$HOME \`id\`")\n"""" ""\\"" \\"""\n`;
const JOB: NewJob = { language: 'python', code: NASTY, stdin: '"""\n', args: ["'", '"""', '\\'] };
const textOf = (title: string, job = JOB) =>
  snippetsFor(job, 'http://localhost:3000').find((snippet) => snippet.title === title)?.text ?? '';

/** What a shell makes of the words after a command. */
const wordsOf = (command: string): string[] =>
  execFileSync('bash', ['-c', `show() { printf '%s\\0' "$@"; }; ${command.replace(/^\w+/, 'show')}`])
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
