/** A runner that shares nothing with ours but the contract conforms too: the example in Python, made as its README says. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { conformance, type OwnRunner, ROOT, runOnPlatform, startRunner } from './own-runner.js';

const run = promisify(execFile);
const SDK = join(ROOT, 'services/runners/sdk-python');
/** Not in the folder itself: what is there counts as source. */
const VENV = join(ROOT, '.cache/sdk-python');

await mkdir(join(ROOT, '.cache'), { recursive: true });
const refused = await run(join(SDK, 'setup.sh'), [VENV]).then(
  () => undefined,
  ({ stderr }) => `its packages cannot be installed here: ${stderr}`,
);

describe('the example in Python', { skip: process.env.CI === 'true' ? false : refused }, () => {
  let runner: OwnRunner;
  before(async () => {
    assert.equal(refused, undefined);
    const env = { PYTHONDONTWRITEBYTECODE: '1' };
    runner = await startRunner(join(VENV, 'bin/python'), [join(SDK, 'main.py'), '127.0.0.1:0', '2'], env);
  });
  after(() => runner?.stop());

  test('conforms', async () => {
    assert.match(await conformance(runner.target, join(SDK, 'languages')), /\n\d+ passed, 0 failed, 9 not possible\n$/);
  });

  test('is all that the platform needs to run Brainfuck', async () => {
    const code = await readFile(join(SDK, 'languages/brainfuck/programs/hello.bf'), 'utf8');
    const { languages, ended } = await runOnPlatform(runner.target, { language: 'bf', code });
    assert.deepEqual(languages, ['brainfuck']);
    assert.equal(ended.status, 'succeeded');
    assert.equal(ended.stdout.toString(), 'Hello, World!\n');
  });
});
