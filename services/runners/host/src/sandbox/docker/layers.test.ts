/** What is demanded of containers, and how it is named in results. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Hello } from './container.js';
import { layersOf, summaryOf } from './layers.js';

const good: Hello = {
  toolchains: {},
  platform: 'linux/x64',
  noCapabilities: true,
  noNewPrivileges: true,
  seccomp: true,
  readOnlyRoot: true,
  interfaces: ['lo'],
  memory: true,
  cpu: true,
};

const rows: [string, Partial<Hello>, string | undefined, string[], string][] = [
  ['all that is usual', {}, undefined, [], 'docker:runc+seccomp+cgroup'],
  ['no filter', { seccomp: false }, undefined, ['system-call filter'], 'docker:runc+cgroup+no system-call filter'],
  ['no control group', { memory: false }, undefined, ['memory'], 'docker:runc+seccomp+polled+no memory'],
  ['a way out', { interfaces: ['eth0', 'lo'] }, undefined, ['network'], 'docker:runc+seccomp+cgroup+no network'],
  ['a runtime of its own', { seccomp: false, memory: false, cpu: false }, 'runsc', [], 'docker:runsc+polled'],
  [
    'a runtime that keeps too little',
    { noCapabilities: false, seccomp: false },
    'loose',
    ['capabilities'],
    'docker:loose+cgroup+no capabilities',
  ],
];

for (const [what, differs, runtime, missing, summary] of rows) {
  test(`of containers with ${what}, missing is: ${missing.join(', ') || 'nothing'}`, () => {
    const hello = { ...good, ...differs };
    const layers = layersOf(hello, runtime);
    const found = layers.filter(({ needed, holds }) => needed && !holds).map(({ name }) => name);
    assert.deepEqual(found, missing);
    assert.equal(summaryOf(hello, layers, runtime ?? 'runc'), summary);
  });
}
