/** Which sandbox is taken where several might do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '@runlane/core/testing';
import { MisconfiguredError, type Sandbox, SandboxError } from './sandbox/sandbox.js';
import { firstThatWorks } from './sandboxes.js';

const works = async () => ({}) as Sandbox;
const fails = (reason: string) => () => Promise.reject(new SandboxError(reason));

test('the first sandbox that works is taken, and none after it is tried', async () => {
  const sandbox = await works();
  const never = () => assert.fail('it was tried');
  assert.equal(await firstThatWorks(silentLog, { jail: async () => sandbox, docker: never }), sandbox);
  assert.equal(await firstThatWorks(silentLog, { jail: fails('no'), docker: async () => sandbox }), sandbox);
});

test('where none works, it is refused with the reason of each', async () => {
  await assert.rejects(
    firstThatWorks(silentLog, { jail: fails('no namespaces'), docker: fails('no engine') }),
    /^SandboxError: no sandbox works here\. jail: no namespaces\. docker: no engine$/,
  );
});

test('where one cannot use what was set, no other is tried', async () => {
  const misconfigured = new MisconfiguredError('no such interpreter');
  const never = () => assert.fail('it was tried');
  await assert.rejects(
    firstThatWorks(silentLog, { jail: () => Promise.reject(misconfigured), docker: never }),
    misconfigured,
  );
});
