import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeAndGive } from './give-folder.js';

const folder = mkdtempSync(join(tmpdir(), 'runlane-give-folder-test-'));
after(() => rmSync(folder, { recursive: true }));
const needsRoot = { skip: process.getuid?.() !== 0 && 'needs root, who alone can give folders away' };
/** Any id that is not root's will do. */
const UID = 54_321;
const give = (name: string, more = {}) =>
  makeAndGive(join(folder, name), { variable: 'SOME_DIR', uid: UID, mode: 0o755, holds: 'things', ...more });
const ownerOf = (name: string) => lstatSync(join(folder, name)).uid;

test('a folder that is new, empty or ours already is given, as often as one likes', needsRoot, () => {
  assert.equal(give('new'), join(folder, 'new'));
  mkdirSync(join(folder, 'empty'), { mode: 0o700 });
  give('empty');
  writeFileSync(join(folder, 'new/thing'), '');
  give('new');
  assert.deepEqual(['new', 'empty'].map(ownerOf), [UID, UID]);
  assert.equal(statSync(join(folder, 'empty')).mode & 0o777, 0o755);
});

test(
  'a folder with anything else in it stays whose it is, but for one that is known by a name in it',
  needsRoot,
  () => {
    mkdirSync(join(folder, 'others/etc'), { recursive: true });
    assert.throws(() => give('others'), /SOME_DIR=.*others holds something other than Runlane's things: name another/);
    assert.throws(() => give('others', { mark: 'store' }), /name another folder/);
    assert.equal(ownerOf('others'), 0);
    give('others', { mark: 'etc' });
    assert.equal(ownerOf('others'), UID);
  },
);

test('what a link leads to stays whose it is', needsRoot, () => {
  mkdirSync(join(folder, 'behind'));
  symlinkSync(join(folder, 'behind'), join(folder, 'link'));
  assert.throws(() => give('link'), /SOME_DIR=.*link must be a folder, not a link to one/);
  assert.equal(ownerOf('behind'), 0);
});
