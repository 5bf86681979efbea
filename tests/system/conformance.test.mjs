/** The runner host that Runlane ships does what its own conformance kit asks of any runner, in every language that it has here. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const HOST = fileURLToPath(new URL('../../services/runners/host/dist/main.js', import.meta.url));
const RUNLANE = fileURLToPath(new URL('../../packages/cli/bin/runlane.mjs', import.meta.url));

const folder = mkdtempSync(`${tmpdir()}/runlane-conformance-`);
const target = `unix:${folder}/runner.sock`;
let host;

before(async () => {
  // As root the host gives its rights up, and still needs the folder.
  if (process.getuid() === 0) chmodSync(folder, 0o777);
  const env = { PATH: process.env.PATH, RUNNER_ADDRESS: target, RUN_DIR: folder, RUNNER_SLOTS: '2' };
  host = spawn(process.execPath, [HOST], { env, stdio: ['ignore', 'inherit', 'pipe'] });
  const logged = [];
  for await (const line of createInterface({ input: host.stderr })) {
    logged.push(line);
    if (line.includes('"address":')) return void host.stderr.resume();
  }
  throw new Error(`the host did not start:\n${logged.join('\n')}`);
});

after(async () => {
  if (host.exitCode === null && host.kill('SIGTERM')) await once(host, 'exit');
  rmSync(folder, { recursive: true, force: true });
});

test('the runner host conforms', async () => {
  const { code, stdout } = await new Promise((resolve) => {
    execFile(RUNLANE, ['conformance', '--target', target], (error, out) =>
      resolve({ code: error?.code ?? 0, stdout: out }),
    );
  });
  assert.equal(code, 0, stdout);
  assert.match(stdout, / passed, 0 failed, \d+ not possible\n$/);
});
