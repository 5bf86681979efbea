/** Languages that cannot be had, each for a reason of its own: the host starts all the same, says why, and runs the others. */
import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runner } from '@runlane/contract';
import { ask, beginOn, bundleOf, finish, type Host, startHost, stopHost } from './host.fixture.js';

const BASH = { bash: ['/usr/bin/bash', '/bin/bash'] };
const SOUND = {
  tools: BASH,
  version: { argv: ['{bash}', '--version'], pattern: 'version (\\d+\\.\\d+)' },
  entry: 'main.sh',
  run: { argv: ['{bash}', '{entry}', '{args}'] },
};
const version = (script: string) => ({ version: { argv: ['{bash}', '-c', script], pattern: 'v(\\d+)' } });

/** What is shown must lie outside of /tmp, of which each run has its own. */
const canMakeShown = process.getuid?.() === 0;
let folder: string;
let shown: string;
let host: Host;
let described: runner.DescribeResponse;

/** What is wrong with a language, and the reason that is given. */
const LACKING: Record<string, [object | string, RegExp]> = {
  'broken-json': ['{"name": ', /^broken-json\/runner\.json: .*JSON/],
  'failing-version': [
    version('echo v1; echo v2 >&2; exit 3'),
    /exited with 3 and wrote "v1", where it must exit with 0 and match v\(\\d\+\)$/,
  ],
  'other-version': [version('echo; echo unknown'), /exited with 0 and wrote "unknown", where it must/],
  'silent-version': [version(':'), /exited with 0 and wrote nothing, where it must/],
  'killed-version': [version('kill -9 $$'), /exited with SIGKILL and wrote nothing/],
  'shows-root': [{ shows: ['/'] }, /^\/ cannot be shown: that is too much of the machine/],
  'shows-etc': [{ shows: ['/etc'] }, /^\/etc cannot be shown: that is too much of the machine/],
  'shows-proc': [{ shows: ['/proc'] }, /^\/proc cannot be shown: it is in \/proc, of which each run has its own/],
  'shows-tmp': [{ shows: ['//tmp/../tmp/'] }, /^\/tmp cannot be shown: it is in \/tmp/],
  'shows-accounts': [{ shows: ['/etc/passwd'] }, /^\/etc\/passwd cannot be shown: each run has one that the jail made/],
  'shows-device': [{ shows: ['/dev/null'] }, /^\/dev\/null cannot be shown: it is in \/dev/],
  'shows-nothing': [
    { shows: ['/opt/no-such-folder'] },
    /^\/opt\/no-such-folder, which its manifest shows, is not there: install/,
  ],
  'tool-is-a-folder': [{ tools: { bash: ['/usr/lib'] } }, /^\/usr\/lib is a folder: name the program in it$/],
  'tool-is-a-text': [{ tools: { bash: ['/etc/os-release'] } }, /^\/etc\/os-release may not be executed: chmod/],
};

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runlane-unavailable-test-'));
  // The jail is another user where this is root.
  if (process.getuid?.() === 0) await chmod(folder, 0o777);
  const languages: Record<string, object | string> = Object.fromEntries(
    Object.entries(LACKING).map(([name, [content]]) => [name, content]),
  );
  languages.good = { shows: ['/etc/alternatives', '/opt/no-such-*', '/usr/share'] };
  if (canMakeShown) {
    shown = await mkdtemp(join('/opt', 'runlane-unavailable-test-'));
    await chmod(shown, 0o755);
    await mkdir(join(shown, 'folder'));
    await writeFile(join(shown, 'folder', 'text'), 'in a folder\n');
    await writeFile(join(shown, 'file'), 'a file\n');
    await chmod(join(shown, 'file'), 0o666);
    await writeFile(join(shown, 'hidden'), 'hidden\n');
    await symlink('file', join(shown, 'link'));
    await symlink('nothing', join(shown, 'nowhere'));
    await symlink('/proc', join(shown, 'processes'));
    languages.showing = { shows: ['folder', 'folder/text', 'file', 'link'].map((name) => join(shown, name)) };
    languages['shows-a-link-to-nothing'] = { shows: [join(shown, 'nowhere')] };
    languages['shows-a-link-to-proc'] = { shows: [join(shown, 'processes')] };
  }
  const languagesDir = join(folder, 'languages');
  for (const [name, content] of Object.entries(languages)) {
    await mkdir(join(languagesDir, name), { recursive: true });
    const text = typeof content === 'string' ? content : JSON.stringify({ name, title: name, ...SOUND, ...content });
    await writeFile(join(languagesDir, name, 'runner.json'), text);
  }
  host = await startHost(folder, { LANGUAGES_DIR: languagesDir });
  described = await ask<runner.DescribeResponse>(host.client, (client, done) => client.describe({}, done));
});
after(async () => {
  await stopHost(host);
  await rm(folder, { recursive: true, force: true });
  if (shown) await rm(shown, { recursive: true, force: true });
});

const reasonOf = (name: string) => described.languages.find((each) => each.name === name)?.unavailableReason ?? 'gone';

async function run(language: string, script: string) {
  const { artifactDigest } = await ask<runner.PrepareResponse>(host.client, (client, done) =>
    client.prepare(
      {
        ...runner.PrepareRequest.fromPartial({}),
        language,
        entry: 'main.sh',
        bundle: bundleOf({ 'main.sh': script }),
      },
      done,
    ),
  );
  return finish(beginOn(host.client, artifactDigest, { language, entry: 'main.sh' }));
}

for (const [name, [, reason]] of Object.entries(LACKING)) {
  test(`${name}: the reason is described, and in the log in a line`, () => {
    assert.match(reasonOf(name), reason);
    const lines = host.logged.filter((line) => line.includes(`"language":"${name}"`));
    assert.equal(lines.length, 1);
    assert.equal(JSON.parse(lines[0] ?? '').reason, reasonOf(name));
  });
}

test('whatever is wrong with them, the others run', async () => {
  assert.equal(reasonOf('good'), '');
  assert.equal((await run('good', 'echo good')).stdout, 'good\n');
});

test('files, folders and links are shown at their own paths, and nothing beside them', {
  skip: !canMakeShown,
}, async () => {
  assert.equal(reasonOf('showing'), '');
  const script = `cd ${shown}; cat folder/text file link; ls; echo x >> file`;
  const { stdout, stderr } = await run('showing', script);
  assert.equal(stdout, 'in a folder\na file\na file\nfile\nfolder\nlink\n');
  assert.match(stderr, /Read-only file system/);
});

test('a link to nothing, or to what cannot be shown, is refused', { skip: !canMakeShown }, () => {
  assert.match(reasonOf('shows-a-link-to-nothing'), /nowhere, which its manifest shows, is a link to nothing/);
  assert.match(reasonOf('shows-a-link-to-proc'), /processes cannot be shown: it is in \/proc/);
});
