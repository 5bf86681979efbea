/** What toolchains have made once, and keep from one start of a host to the next. */
import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runner } from '@runlane/contract';
import { ask, beginOn, bundleOf, finish, type Host, startHost, stopHost } from './host.fixture.js';

const LANGUAGE = {
  name: 'prepared',
  title: 'prepared',
  entry: 'main.sh',
  tools: { bash: ['/usr/bin/bash', '/bin/bash'] },
  version: { argv: ['{bash}', '--version'], pattern: 'version (\\d+\\.\\d+)' },
  // Another number each time that it is made.
  setup: { argv: ['{bash}', '-c', 'echo "echo $RANDOM$RANDOM" > "$0/say.sh"', '{out}'] },
  run: { argv: ['{bash}', '{setup}/say.sh'] },
};

let folder: string;
let env: Record<string, string>;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runlane-setups-test-'));
  // The jail is another user where this is root.
  if (process.getuid?.() === 0) await chmod(folder, 0o777);
  const languagesDir = join(folder, 'languages');
  await mkdir(join(languagesDir, 'prepared'), { recursive: true });
  await writeFile(join(languagesDir, 'prepared', 'runner.json'), JSON.stringify(LANGUAGE));
  env = { LANGUAGES_DIR: languagesDir, TOOLCHAINS_DIR: join(folder, 'to', 'be', 'made') };
});
after(() => rm(folder, { recursive: true, force: true }));

const reasonOn = async ({ client }: Host) =>
  (await ask<runner.DescribeResponse>(client, (on, done) => on.describe({}, done))).languages[0]?.unavailableReason;

async function said({ client }: Host): Promise<string> {
  const request = { ...runner.PrepareRequest.fromPartial({}), language: 'prepared', entry: 'main.sh' };
  const bundle = bundleOf({ 'main.sh': '' });
  const { artifactDigest } = await ask<runner.PrepareResponse>(client, (on, done) =>
    on.prepare({ ...request, bundle }, done),
  );
  return (await finish(beginOn(client, artifactDigest, { language: 'prepared', entry: 'main.sh' }))).stdout;
}

test('the folder is made, and what is in it serves every later start from its first moment on', async () => {
  const first = await startHost(folder, env);
  while ((await reasonOn(first)) !== '');
  const number = await said(first);
  assert.match(number, /^\d+\n$/);
  await stopHost(first);
  const again = await startHost(folder, env);
  assert.equal(await reasonOn(again), '');
  assert.ok(!again.logged.some((line) => line.includes('being set up')));
  assert.equal(await said(again), number);
  await stopHost(again);
  assert.equal((await readdir(join(folder, 'to', 'be', 'made'))).length, 1);
});

test('a folder that cannot be made is said with the name of the variable', async () => {
  const path = join(folder, 'languages', 'prepared', 'runner.json', 'below-a-file');
  await assert.rejects(
    startHost(folder, { ...env, TOOLCHAINS_DIR: path }),
    /TOOLCHAINS_DIR=.* cannot be made: ENOTDIR/,
  );
});
