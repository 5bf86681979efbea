/**
 * The real jail on kernels with nothing but cgroup v2, and on arm64: in virtual machines, where `guest.py` tries it as root
 * and as an ordinary user. What is needed of a machine is a kernel and Python, so nothing of Node is in there.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ARCHITECTURES, type Architecture, bootMachine, skipWithout } from '@runlane/core/testing';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
/** As slow as emulation is where other tests want the processor too. */
const TIMEOUT_MS = 10 * 60_000;
const skip = skipWithout('machines');

/** A line of the guest's. */
interface Check {
  readonly setting: string;
  readonly check: string;
  readonly holds: boolean;
  readonly seen: unknown;
}

/** What a machine without the memory controller must show, else the checks could not fail: [check, whether it holds]. */
const WITHOUT_MEMORY: readonly (readonly [string, boolean])[] = [
  ['memory is measured by cgroup', false],
  ['memory behind a memfd counts, or cannot be had', false],
  ['every needed layer holds', true],
  ['past the limit of processes there is EAGAIN', true],
];

function filesOfTheMachine(): Map<string, string> {
  const runners = join(ROOT, 'services/runners');
  const jail = readdirSync(join(runners, 'host/jail')).filter((name) => name.endsWith('.py'));
  return new Map([
    ['init.py', join(ROOT, 'tests/machines/guest.py')],
    ['python/runner.json', join(runners, 'python/runner.json')],
    ...jail.map((name) => [`host/jail/${name}`, join(runners, 'host/jail', name)] as const),
  ]);
}

/** All that was checked on a machine. */
async function boot(architecture: Architecture, words: readonly string[] = []): Promise<Check[]> {
  const output = await bootMachine(architecture, { files: filesOfTheMachine(), words, timeoutMs: TIMEOUT_MS });
  const lines = output.split(/\r?\n/).filter((line) => line.startsWith('{'));
  const said = lines.map((line) => JSON.parse(line));
  assert.deepEqual(said.pop(), { done: true }, `the guest did not come to its end:\n${output.slice(-4000)}`);
  return said;
}

describe('the jail on other machines', { skip, concurrency: 2 }, () => {
  for (const architecture of ARCHITECTURES)
    test(`holds on ${architecture} with cgroup v2`, async (t) => {
      const checks = await boot(architecture);
      for (const { setting, check, holds, seen } of checks)
        await t.test(`${setting}: ${check}`, () => assert.ok(holds, `seen: ${JSON.stringify(seen)}`));
    });

  describe('without the memory controller, as a control', () => {
    let checks: Check[];
    before(async () => {
      checks = await boot('amd64', ['cgroup_disable=memory', 'settings=1']);
    });
    for (const [check, holds] of WITHOUT_MEMORY)
      test(`${check}: ${holds}`, () => assert.equal(checks.find((one) => one.check === check)?.holds, holds));
  });
});
