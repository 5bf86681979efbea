/** The report on a job, word by word: it is all that a model has to go by. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Job } from '@runlane/client';
import { inWords, MOST_STDERR, toReport } from './report.js';
import type { FileReport } from './report-schema.js';

type Result = NonNullable<Job['result']>;

const RESULT: Result = {
  exitCode: 0,
  signal: null,
  stdout: '',
  stderr: '',
  stdoutTruncated: false,
  stderrTruncated: false,
  wallTimeMs: 1_234,
  cpuTimeMs: 56,
  memoryPeakBytes: 3 * 1_024 * 1_024,
  isolation: 'none',
};

function reportOn(status: Job['status'], result: Partial<Result> = {}, files: FileReport[] = []) {
  const job = { id: 'j1', ownerId: 'a', language: 'python', version: '', status, createdAt: '', attempt: 1 };
  return toReport({ ...job, result: { ...RESULT, ...result } }, files);
}

const USED = 'Time 1.2 s (56 ms of processor time), memory 3 MiB.';

test('a program that succeeded', () => {
  assert.equal(
    inWords(reportOn('succeeded', { stdout: '42\n' })),
    `The program succeeded with exit code 0. ${USED}\n<stdout>\n42\n</stdout>\nJob j1`,
  );
});

test('a program that wrote nothing is said to have written nothing', () => {
  assert.equal(
    inWords(reportOn('succeeded')),
    `The program succeeded with exit code 0. ${USED}\nIt wrote nothing to stdout and stderr.\nJob j1`,
  );
});

test('every end is told in a sentence, with the reason where there is one', () => {
  const ended = { exitCode: null, signal: 'SIGKILL' };
  for (const [status, result, sentence] of [
    ['failed', { exitCode: 3 }, 'The program failed with exit code 3.'],
    ['failed', { exitCode: null, signal: 'SIGSEGV' }, 'The program was ended by SIGSEGV.'],
    ['timed_out', { ...ended, message: 'the wall-clock time limit was reached' }, /stopped \(the wall-clock .+\)\.$/],
    ['memory_exceeded', ended, 'The program wanted more memory than it may use and was stopped.'],
    ['output_exceeded', ended, 'The program wrote more output than it may and was stopped.'],
    ['compile_failed', { exitCode: null }, 'The program did not compile, and was not run.'],
    ['cancelled', ended, 'The program was cancelled.'],
    ['error', { exitCode: null, message: 'no runner' }, /^Runlane could not run the program; .+ \(no runner\)\.$/],
  ] as const) {
    const { summary } = reportOn(status, result);
    if (typeof sentence === 'string') assert.equal(summary, sentence);
    else assert.match(summary, sentence);
  }
});

test('what does not compile is told by its compiler, without the time of a run that was none', () => {
  const compile = { exitCode: 1, diagnostics: 'main.c:1: error\n', wallTimeMs: 9 };
  assert.equal(
    inWords(reportOn('compile_failed', { exitCode: null, compile })),
    'The program did not compile, and was not run.\n<compiler>\nmain.c:1: error\n</compiler>\nJob j1',
  );
});

test('what is left out of output is told where it is missing', () => {
  const { stderr, notes } = reportOn('output_exceeded', {
    stderr: `first${'.'.repeat(MOST_STDERR)}last`,
    stderrTruncated: true,
  });
  assert.match(stderr, /^first\.+\n\[… 9 characters are left out here …\]\n\.+last$/);
  assert.deepEqual(notes, ['stderr is not all that was written: it reached its limit.']);
});

test('bytes are shown as text as far as they are some', () => {
  const { stdout, notes } = reportOn('succeeded', {
    stdout: Buffer.from([0x61, 0xff, 0x62]).toString('base64'),
    stdoutEncoding: 'base64',
  });
  assert.equal(stdout, 'a\ufffdb');
  assert.deepEqual(notes, ['stdout is not UTF-8; what is no text is shown as U+FFFD.']);
});

test('files are named with their size, and where those are that are not attached', () => {
  const files: FileReport[] = [
    { path: 'a.png', sizeBytes: 2_048, contentType: 'image/png', attached: 'image' },
    { path: 'b/c.bin', sizeBytes: 5_500_000, contentType: 'application/octet-stream', attached: 'no' },
  ];
  const lines = inWords(reportOn('succeeded', { stdout: '.', filesOmitted: 2 }, files))
    .split('\n')
    .slice(4);
  assert.deepEqual(lines, [
    'Files in out/:',
    '- a.png (image/png, 2 KiB): attached as image',
    '- b/c.bin (application/octet-stream, 5.2 MiB): not attached',
    'What is not attached is too large or too much; the server has it at /v1/jobs/j1/files/NAME.',
    'Note: 2 more files in out/ were beyond the limits.',
    'Job j1',
  ]);
});
