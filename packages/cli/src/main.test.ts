/** The command as it is called: what it prints, and with which code it ends. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { makePrograms, type ProgramsFolder, startFakeRunner } from '@runlane/conformance/testing';

const RUNLANE = fileURLToPath(new URL('../bin/runlane.mjs', import.meta.url));

interface Ended {
  readonly code: number | string | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

let fake: Awaited<ReturnType<typeof startFakeRunner>>;
let programs: ProgramsFolder;
before(async () => {
  fake = await startFakeRunner();
  programs = await makePrograms({ pretended: {} });
});
after(async () => {
  fake.close();
  await programs.remove();
});

function runlane(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(RUNLANE, args, (error, stdout, stderr) => resolve({ code: error ? error.code : 0, stdout, stderr }));
  });
}

const conformance = (...args: string[]) =>
  runlane('conformance', '--target', fake.address, '--programs', programs.path, ...args);

test('a runner without a fault passes: exit code 0', async () => {
  const { code, stdout } = await conformance('--language', 'pretended');
  assert.equal(code, 0, stdout);
  assert.match(stdout, /^runner 127\.0\.0\.1:\d+\n {2}describe +ok\n/);
  assert.match(stdout, /\n\npretended\n {2}offered +ok \(version 1\.0\)\n/);
  assert.match(stdout, /\n\n\d+ passed, 0 failed, 0 not possible\n$/);
  assert.ok(!stdout.includes('\u001b'), 'colour where no terminal is');
});

test('a failure is exit code 1, also in JSON', async () => {
  const { code, stdout } = await conformance('--language', 'absent', '--json', '--rounds', '2');
  assert.equal(code, 1);
  const { passed, failed, notPossible, results } = JSON.parse(stdout);
  assert.deepEqual([passed, failed, notPossible], [12, 2, 0]);
  const { tookMs, ...last } = results.at(-1);
  assert.equal(typeof tookMs, 'number');
  assert.deepEqual(last, {
    round: 2,
    language: 'absent',
    check: 'offered',
    outcome: 'failed',
    reason: 'it is not available: nothing to run it with',
    notes: [],
  });
});

test('wrong usage is exit code 2, and says what is wrong and how it is right', async () => {
  for (const [args, problem] of [
    [[], /^Usage: runlane <command>/],
    [['juggle'], /there is no command "juggle"/],
    [['conformance'], /--target must be host:port or unix:\/path/],
    [['conformance', '--target', 'nowhere'], /--target must be/],
    [['conformance', '--target', 'host:1', '--rounds', '0'], /--rounds must be a whole number from 1/],
    [['conformance', '--target', 'host:1', '--timeout', 'soon'], /--timeout must be/],
    [['conformance', '--target', 'host:1', '--programs', '/nowhere'], /--programs: \/nowhere is no folder/],
    [['conformance', '--target', 'host:1', '--quickly'], /--quickly/],
    [['conformance', 'host:1'], /host:1/],
  ] as const) {
    const { code, stdout, stderr } = await runlane(...args);
    assert.deepEqual([code, stdout], [2, ''], args.join(' '));
    assert.match(stderr, problem);
    assert.match(stderr, /Usage: runlane/);
  }
});

test('help is no mistake', async () => {
  const all = await runlane('--help');
  assert.equal(all.code, 0);
  assert.match(all.stdout, /conformance +check a runner/);
  const one = await runlane('conformance', '--help');
  assert.equal(one.code, 0);
  assert.match(one.stdout, /--target ADDRESS/);
});
