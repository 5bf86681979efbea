/** `npm start` with what it cannot use: it says what, once, and starts nothing. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));

function start(env: Readonly<Record<string, string>>) {
  return spawnSync(process.execPath, [MAIN], {
    env: { PATH: process.env.PATH, ...env },
    encoding: 'utf8',
    timeout: 30_000,
  });
}

test('every bad variable is named once, whoever reads it, without a stack trace', () => {
  const bad = { RUNNER_SLOTS: '-1', SANDBOX: 'foo', HTTP_PORT: 'high', LEASE_SECONDS: '0', DOCKER_POOL_SIZE: 'many' };
  const { status, stdout, stderr } = start(bad);
  assert.deepEqual([status, stdout], [1, '']);
  assert.match(stderr, /^Runlane did not start: bad configuration:\n/);
  for (const [name, value] of Object.entries(bad))
    assert.equal(stderr.split(`${name}="${value}"`).length, 2, `${name} in ${stderr}`);
  assert.doesNotMatch(stderr, /\n\s+at |throw /);
});

test('an interpreter that is not there is told as such: no other sandbox is tried for it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'runlane-standalone-test-'));
  try {
    const env = { DATA_DIR: join(folder, 'data'), TOOLCHAINS_DIR: join(folder, 'toolchains') };
    const { status, stderr } = start({ ...env, HTTP_PORT: '0', GRPC_PORT: '0', PYTHON_VENV: '/nowhere' });
    assert.equal(status, 1, stderr);
    assert.match(stderr, /there is no program at \/nowhere\/bin\/python3, which was given for python/);
    assert.doesNotMatch(stderr, /container|Docker/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
