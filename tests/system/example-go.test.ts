/** A runner that shares nothing with ours but the contract conforms too: the example in Go, made as its README says. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { conformance, type OwnRunner, ROOT, runOnPlatform, startRunner } from './own-runner.js';

const run = promisify(execFile);
const EXAMPLE = join(ROOT, 'services/runners/example-go');
const RUNNER = join(ROOT, '.cache/bin/example-go');
const go = (...args: string[]) => run('go', args, { cwd: EXAMPLE, env: { ...process.env, CGO_ENABLED: '0' } });

async function build(): Promise<void> {
  await go('mod', 'download');
  await run(join(ROOT, 'node_modules/.bin/buf'), ['generate'], { cwd: EXAMPLE });
  await go('build', '-trimpath', '-o', RUNNER, '.');
}
/** Go keeps what it has built: from the second time on this takes two seconds. */
const refused = await build().then(
  () => undefined,
  (error) => `it cannot be built here: ${error.stderr || error.message}`,
);

describe('the example in Go', { skip: process.env.CI === 'true' ? false : refused }, () => {
  let runner: OwnRunner;
  before(async () => {
    assert.equal(refused, undefined);
    runner = await startRunner(RUNNER, ['-address', '127.0.0.1:0', '-slots', '2']);
  });
  after(() => runner?.stop());

  test('is as gofmt and go vet want it, and passes its own tests', async () => {
    const { stdout } = await run('gofmt', ['-l', 'main.go', 'jq', 'runner'], { cwd: EXAMPLE });
    assert.equal(stdout, '');
    await go('vet', './...');
    await go('test', './...');
  });

  test('conforms, without a terminal, which it does not offer', async () => {
    const table = await conformance(runner.target, join(EXAMPLE, 'languages'));
    const cannot = [...table.matchAll(/^ {2}(.+?) +cannot: /gm)].map(([, check]) => check);
    assert.deepEqual(cannot, ['terminal', 'terminal ^C']);
    assert.match(table, /\n\d+ passed, 0 failed, 2 not possible\n$/);
  });

  test('is all that the platform needs to run jq', async () => {
    const code = '#!/usr/bin/jq -rf\n"\\(.name) of \\($ARGS.positional[0])"';
    const program = { language: 'jq', code, stdin: '{"name": "Ada"}', args: ['London'] };
    const { languages, ended } = await runOnPlatform(runner.target, program);
    assert.deepEqual(languages, ['jq']);
    assert.equal(ended.status, 'succeeded');
    assert.equal(ended.stdout.toString(), 'Ada of London\n');
    assert.equal(ended.isolation, 'process:interpreter+rlimit');
  });
});
