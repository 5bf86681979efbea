/** `npm start` with languages of one's own, which come and go with their folders. */
import assert from 'node:assert/strict';
import { chmod, cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { JobJson, LanguageJson, ProblemJson } from '@runlane/contract';
import { type Platform, startEmbedded, temporaryFolder } from './platforms.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const NEW = {
  title: 'New',
  entry: 'main.sh',
  tools: { bash: ['/usr/bin/bash', '/bin/bash'] },
  version: { argv: ['{bash}', '--version'], pattern: 'version (\\d+\\.\\d+)' },
  run: { argv: ['{bash}', '{entry}'] },
};

let folder: string;
let languages: string;
before(async () => {
  folder = await temporaryFolder();
  languages = join(folder, 'languages');
  await chmod(folder, 0o755);
  await mkdir(join(languages, 'python'), { recursive: true });
  await cp(join(ROOT, 'services/runners/python/runner.json'), join(languages, 'python', 'runner.json'));
});
after(() => rm(folder, { recursive: true, force: true }));

const add = async (name: string, manifest: object | string) => {
  await mkdir(join(languages, name), { recursive: true });
  const text = typeof manifest === 'string' ? manifest : JSON.stringify({ name, ...manifest });
  await writeFile(join(languages, name, 'runner.json'), text);
};

async function withStart<T>(work: (platform: Platform) => Promise<T>): Promise<T> {
  const platform = await startEmbedded(join(folder, 'data'), {
    LANGUAGES_DIR: languages,
    TOOLCHAINS_DIR: join(folder, 'toolchains'),
  });
  try {
    return await work(platform);
  } finally {
    await platform.stop();
  }
}

async function listed({ baseUrl }: Platform): Promise<Record<string, string>> {
  const answer = (await (await fetch(`${baseUrl}/v1/languages`)).json()) as { languages: LanguageJson[] };
  return Object.fromEntries(
    answer.languages.map(({ name, unavailableReason = 'available' }) => [name, unavailableReason]),
  );
}

const submit = ({ baseUrl }: Platform, language: string) =>
  fetch(`${baseUrl}/v1/jobs`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Prefer: 'wait=10' },
    body: JSON.stringify({ language, code: 'echo new' }),
  });

test('a language that is added can be run from the moment that "ready" is said, and is gone when it is taken out', async () => {
  await withStart(async (platform) => assert.deepEqual(await listed(platform), { python: 'available' }));

  await add('new', NEW);
  await add('broken', '{');
  await withStart(async (platform) => {
    const job = (await (await submit(platform, 'new')).json()) as JobJson;
    assert.deepEqual([job.status, job.result?.stdout], ['succeeded', 'new\n'], JSON.stringify(job));
    const { broken, ...others } = await listed(platform);
    assert.deepEqual(others, { new: 'available', python: 'available' });
    assert.match(broken ?? '', /^broken\/runner\.json: .*JSON/);
    assert.match(platform.processes.standalone?.log.join('\n') ?? '', /broken\/runner\.json: .*language not available/);
  });

  await rm(join(languages, 'new'), { recursive: true });
  await rm(join(languages, 'broken'), { recursive: true });
  await withStart(async (platform) => {
    assert.deepEqual(await listed(platform), { python: 'available' });
    const refused = await submit(platform, 'new');
    assert.equal(refused.status, 400);
    assert.match(((await refused.json()) as ProblemJson).errors?.[0]?.reason ?? '', /"new" is not a language here/);
  });
});
