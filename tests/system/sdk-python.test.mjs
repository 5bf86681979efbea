/** A runner that shares nothing with ours but the contract conforms too: the example in Python, made as its README says. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const sdk = `${root}services/runners/sdk-python`;
/** Not in the folder itself: what is there counts as source. */
const venv = `${root}.cache/sdk-python`;

test('the example in Python conforms', async (t) => {
  mkdirSync(`${root}.cache`, { recursive: true });
  try {
    await run(`${sdk}/setup.sh`, [venv]);
  } catch (error) {
    if (process.env.CI === 'true') throw error;
    t.skip(`its packages cannot be installed here: ${error.stderr}`);
    return;
  }
  const env = { PATH: process.env.PATH, PYTHONDONTWRITEBYTECODE: '1' };
  const stdio = ['ignore', 'pipe', 'inherit'];
  const runner = spawn(`${venv}/bin/python`, [`${sdk}/main.py`, '127.0.0.1:0', '2'], { env, stdio });
  t.after(() => runner.exitCode === null && runner.kill('SIGTERM') && once(runner, 'exit'));
  const [line] = await once(createInterface({ input: runner.stdout }), 'line');
  const target = line.replace('serves at ', '');
  const args = ['conformance', '--target', target, '--programs', `${sdk}/languages`];
  const checked = await run(`${root}packages/cli/bin/runlane.mjs`, args).catch((error) => error);
  assert.match(checked.stdout, /\n\d+ passed, 0 failed, 6 not possible\n$/);
});
