/** Languages in containers, end to end through a runner host: interpreted, compiled, and with a setup that all runs share. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { status } from '@grpc/grpc-js';
import { runner } from '@runlane/contract';
import { skipWithout, startDocker, type TestEngine, TOOLS_IMAGE } from '@runlane/core/testing';
import { ask, beginOn, bundleOf, finish, type Host, refusal, startHost, stopHost } from '../../host.fixture.js';

const RUNLANE = fileURLToPath(new URL('../../../../../../packages/cli/bin/runlane.mjs', import.meta.url));

const PROGRAMS = {
  python: { entry: 'main.py', hello: 'print("hello")', broken: 'print(' },
  c: {
    entry: 'main.c',
    hello: '#include <stdio.h>\nint main(void) { puts("hello"); }',
    broken: 'int main(void) { return undeclared; }',
  },
  java: {
    entry: 'Main.java',
    hello: 'public class Main { public static void main(String[] args) { System.out.println("hello"); } }',
    broken: 'public class Main { int a = undeclared; }',
  },
} as const;

describe('languages in containers', { skip: skipWithout('docker-tools') }, () => {
  let engine: TestEngine;
  let folder: string;
  let host: Host;
  before(async () => {
    engine = await startDocker();
    folder = await mkdtemp(join(tmpdir(), 'runlane-docker-languages-test-'));
    // The host gives root's rights up.
    await chmod(folder, 0o777);
    host = await startHost(folder, {
      SANDBOX: 'docker',
      DOCKER_SOCKET: engine.socketPath,
      DOCKER_IMAGES: TOOLS_IMAGE,
      DOCKER_POOL_SIZE: '1',
      LANGUAGES: 'python,c,java,lua',
      TOOLCHAINS_DIR: join(folder, 'toolchains'),
    });
    while ((await described()).some(({ unavailableReason }) => unavailableReason.includes('being set up')));
    const lacking = (await described()).filter(({ unavailableReason }) => unavailableReason !== '');
    assert.deepEqual(
      lacking.map(({ name }) => name),
      ['lua'],
      host.logged.join('\n'),
    );
  });
  after(async () => {
    if (host) await stopHost(host);
    await engine.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const described = async () =>
    (await ask<runner.DescribeResponse>(host.client, (client, done) => client.describe({}, done))).languages;

  const prepare = (language: string, entry: string, code: string) =>
    ask<runner.PrepareResponse>(host.client, (client, done) =>
      client.prepare(
        { ...runner.PrepareRequest.fromPartial({}), language, entry, bundle: bundleOf({ [entry]: code }) },
        done,
      ),
    );

  for (const [language, { entry, hello, broken }] of Object.entries(PROGRAMS)) {
    test(`${language}: a program runs, and a broken one is told what is wrong`, async () => {
      const { artifactDigest, compile } = await prepare(language, entry, hello);
      assert.notEqual(artifactDigest, '', compile?.diagnostics.toString());
      const { stdout, stderr, exited } = await finish(beginOn(host.client, artifactDigest, { language, entry }));
      assert.deepEqual([stdout, stderr, exited.exitCode], ['hello\n', '', 0]);
      const wrong = await prepare(language, entry, broken);
      if (language === 'python') {
        const ended = await finish(beginOn(host.client, wrong.artifactDigest, { language, entry }));
        assert.match(ended.stderr, /SyntaxError/);
      } else {
        assert.deepEqual([wrong.artifactDigest, wrong.compile?.exitCode], ['', 1]);
        assert.match(wrong.compile?.diagnostics.toString() ?? '', /undeclared/);
      }
    });
  }

  test('what a setup made is shown, read-only, to the languages whose images need it', async () => {
    const { artifactDigest } = await prepare(
      'java',
      'Main.java',
      `import java.io.File;
       public class Main {
         public static void main(String[] args) throws Exception {
           File[] made = new File("/toolchains").listFiles();
           System.out.println(made[0].getName().startsWith("java-") + " " + new File(made[0], "javac.jsa").isFile());
           System.out.println(new File("/toolchains/x").mkdir());
         }
       }`,
    );
    const { stdout } = await finish(beginOn(host.client, artifactDigest, { language: 'java', entry: 'Main.java' }));
    assert.equal(stdout, 'true true\nfalse\n');
  });

  test('a language that the image lacks is said with the image', async () => {
    const lua = (await described()).find(({ name }) => name === 'lua');
    assert.match(lua?.unavailableReason ?? '', /^not in the image runlane-test\/tools:1: \/usr\/bin\/lua5\.4/);
    const refused = await refusal(prepare('lua', 'main.lua', ''));
    assert.equal(refused.code, status.NOT_FOUND);
  });

  test('they do what the conformance kit asks of any runner', async () => {
    const words = ['conformance', '--target', host.address];
    for (const language of Object.keys(PROGRAMS)) words.push('--language', language);
    const { code, stdout } = await new Promise<{ code: unknown; stdout: string }>((resolve) => {
      execFile(RUNLANE, words, { maxBuffer: 1 << 24 }, (error, out) =>
        resolve({ code: error?.code ?? 0, stdout: out }),
      );
    });
    assert.equal(code, 0, stdout);
  });
});
