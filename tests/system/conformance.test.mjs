/**
 * The runner host that Runlane ships does what its own conformance kit asks of any runner, in every language: in those that
 * are here, and with CI=true in all that have a manifest.
 */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { credentials } from '@grpc/grpc-js';
import { runner } from '@runlane/contract';

const HOST = fileURLToPath(new URL('../../services/runners/host/dist/main.js', import.meta.url));
const RUNLANE = fileURLToPath(new URL('../../packages/cli/bin/runlane.mjs', import.meta.url));
/** A compiled standard library takes most of it. */
const SETUP_MS = 300_000;

const folder = mkdtempSync(`${tmpdir()}/runlane-conformance-`);
const target = `unix:${folder}/runner.sock`;
let host;
let client;

before(async () => {
  // As root the host gives its rights up, and still needs the folder.
  if (process.getuid() === 0) chmodSync(folder, 0o777);
  const env = { PATH: process.env.PATH, RUNNER_ADDRESS: target, RUN_DIR: folder, RUNNER_SLOTS: '2' };
  host = spawn(process.execPath, [HOST], { env, stdio: ['ignore', 'inherit', 'pipe'] });
  const logged = [];
  for await (const line of createInterface({ input: host.stderr })) {
    logged.push(line);
    if (line.includes('"address":')) break;
  }
  host.stderr.resume();
  if (host.exitCode !== null) throw new Error(`the host did not start:\n${logged.join('\n')}`);
  client = new runner.RunnerServiceClient(target, credentials.createInsecure());
});

after(async () => {
  client?.close();
  if (host.exitCode === null && host.kill('SIGTERM')) await once(host, 'exit');
  rmSync(folder, { recursive: true, force: true });
});

/** What the host offers, once nothing is being set up any more. */
async function settled() {
  const describe = promisify(client.describe.bind(client));
  for (const endMs = performance.now() + SETUP_MS; performance.now() < endMs; await sleep(500)) {
    const { languages } = await describe({});
    if (!languages.some(({ unavailableReason }) => unavailableReason.includes('being set up'))) return languages;
  }
  throw new Error('toolchains are still being set up');
}

test('the runner host conforms', async () => {
  const languages = await settled();
  const lacking = languages.filter(({ unavailableReason }) => unavailableReason !== '');
  if (process.env.CI === 'true')
    assert.deepEqual(
      lacking.map(({ name, unavailableReason }) => `${name}: ${unavailableReason}`),
      [],
    );
  const { code, stdout } = await new Promise((resolve) => {
    execFile(RUNLANE, ['conformance', '--target', target], { maxBuffer: 1 << 24 }, (error, out) =>
      resolve({ code: error?.code ?? 0, stdout: out }),
    );
  });
  assert.equal(code, 0, stdout);
  assert.match(stdout, / passed, 0 failed, \d+ not possible\n$/);
});
