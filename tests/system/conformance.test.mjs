/**
 * The runner host that Runlane ships does what its own conformance kit asks of any runner, in every language: in those that
 * are here, and with CI=true in all that have a manifest; and a program that locks what all of them share is in nobody's way.
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
import { hello, lockAllThatIsShared } from './shared-locks.mjs';

const HOST = fileURLToPath(new URL('../../services/runners/host/dist/main.js', import.meta.url));
const RUNLANE = fileURLToPath(new URL('../../packages/cli/bin/runlane.mjs', import.meta.url));
/** A compiled standard library takes most of it. */
const SETUP_MS = 300_000;
/** Longest for one small program: far less than the limit of a compiler that waits for a lock. */
const HELLO_MS = 20_000;

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
  const first = await kit();
  if (first.failed.length === 0) return;
  // A machine that stands still for a moment fails a check of time as well; a fault fails its checks each time.
  console.log('once more, for what failed:', JSON.stringify(first.failed, undefined, 2));
  const languagesAgain = new Set(first.failed.map(({ language }) => language).filter(Boolean));
  assert.deepEqual((await kit(...languagesAgain)).failed, []);
});

/** Runs the kit as its users do: the whole of it, or of a few languages. */
async function kit(...names) {
  const options = names.flatMap((name) => ['--language', name]);
  const { stdout, stderr } = await new Promise((resolve) => {
    const argv = ['conformance', '--target', target, '--json', ...options];
    execFile(RUNLANE, argv, { maxBuffer: 1 << 24 }, (_, stdout, stderr) => resolve({ stdout, stderr }));
  });
  assert.match(stdout, /^\{/, stderr);
  const { passed, results } = JSON.parse(stdout);
  assert.ok(passed > 0);
  return { failed: results.filter(({ outcome }) => outcome === 'failed') };
}

test('a program that locks all files that runs share keeps nobody from compiling and running', async () => {
  const offered = (await settled()).filter(({ unavailableReason }) => unavailableReason === '');
  const attacker = await lockAllThatIsShared(client);
  try {
    for (const language of offered) {
      const { printed, tookMs } = await hello(client, language);
      assert.match(printed, /hello/i, language.name);
      assert.ok(tookMs < HELLO_MS, `${language.name} ${language.version} took ${tookMs} ms`);
    }
  } finally {
    await attacker.release();
  }
});

test('control: what one program has locked another cannot lock', async () => {
  const first = await lockAllThatIsShared(client);
  const second = await lockAllThatIsShared(client);
  await second.release();
  await first.release();
  assert.ok(first.held > 1000, `${first.held} held`);
  assert.ok(second.refused > first.held / 2, `${second.refused} of ${first.held} refused`);
});
