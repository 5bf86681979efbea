/** Manifests as they are on a disk. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readManifestsOf } from './manifests.js';

test('one that cannot be read is said with its file, and the others are there', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'runlane-manifests-test-'));
  const contents = { broken: '{', good: '{"name": "good", "title": "Good"}', odd: 'null', shapeless: '{"name": 1}' };
  for (const [name, text] of Object.entries(contents)) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, 'runner.json'), text);
  }
  await mkdir(join(folder, 'host'));
  const { manifests, problems } = await readManifestsOf(folder);
  await rm(folder, { recursive: true, force: true });
  assert.deepEqual(
    manifests.map(({ name }) => name),
    ['good'],
  );
  assert.deepEqual(
    problems.map((problem) => problem.split(':')[0]),
    ['broken/runner.json', 'odd/runner.json', 'shapeless/runner.json'],
  );
});
