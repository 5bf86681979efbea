import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Client, Job } from '@runlane/client';
import { saveFiles } from './produced-files.js';

test('files are saved below the folder, whatever a server calls them, and nowhere else', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'runlane-cli-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const paths = ['plot.png', 'deep/er.txt', '..hidden', '../outside', 'a/../../outside', '/absolute'];
  const client = { file: async (_id: string, path: string) => new Response(path) } as unknown as Client;
  const job = { id: 'x', result: { files: paths.map((path) => ({ path })) } } as unknown as Job;
  await saveFiles(client, job, join(folder, 'saved'));
  assert.deepEqual(await readdir(folder), ['saved']);
  const saved = await readdir(join(folder, 'saved'), { recursive: true });
  assert.deepEqual(saved.toSorted(), ['..hidden', 'absolute', 'deep', 'deep/er.txt', 'plot.png']);
});
