/**
 * Requests that Schemathesis makes from the OpenAPI document: its examples, the borders of every field, and what comes to its
 * mind. Whatever is sent, the answer is one that the document tells of, and never our fault.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { ROOT } from './own-runner.js';
import { ADMIN_KEY, type Platform, startEmbedded, temporaryFolder } from './platforms.js';

const run = promisify(execFile);
const VENV = join(ROOT, '.cache/schemathesis');
const PACKAGE = 'schemathesis==4.32.5';

async function install(): Promise<void> {
  await mkdir(join(ROOT, '.cache'), { recursive: true });
  await run('python3', ['-m', 'venv', VENV]);
  await run(join(VENV, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', PACKAGE]);
}

const refused = await install().then(
  () => undefined,
  (error) => `Schemathesis cannot be installed here: ${error.stderr || error.message}`,
);

async function fuzz(url: string, options: readonly string[]) {
  const argv = [
    'run',
    `${url}/openapi.json`,
    '--header',
    `Authorization: Bearer ${ADMIN_KEY}`,
    '--seed',
    '1',
    ...options,
  ];
  const folder = await temporaryFolder();
  const env = { ...process.env, NO_COLOR: '1' };
  try {
    const ended = await run(join(VENV, 'bin/st'), argv, { cwd: folder, env, maxBuffer: 1 << 26 });
    return { code: 0, report: ended.stdout };
  } catch (error) {
    const { code, stdout } = error as { code: number; stdout: string };
    return { code, report: stdout };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

describe('the OpenAPI document', { skip: process.env.CI === 'true' ? false : refused }, () => {
  let folder: string;
  let platform: Platform;
  before(async () => {
    assert.equal(refused, undefined);
    folder = await temporaryFolder();
    platform = await startEmbedded(folder, { AUTH: 'keys', ADMIN_KEY });
  });
  after(async () => {
    await platform?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  test('no request that can be made from it gets an answer that it does not tell of', async () => {
    // What several fields decide together is refused as well, which no JSON schema can tell.
    const phases = ['--phases', 'examples,coverage,fuzzing', '--max-examples', '50'];
    const { code, report } = await fuzz(platform.baseUrl, [...phases, '--exclude-checks', 'positive_data_acceptance']);
    assert.equal(code, 0, report);
    assert.match(report, /[1-9]\d{2,} generated/);
    assert.ok((await fetch(`${platform.baseUrl}/healthz`)).ok);
  });

  test('the example of every body is accepted as it is', async () => {
    const headers = { Authorization: `Bearer ${ADMIN_KEY}`, 'Content-Type': 'application/json' };
    const { paths } = (await (await fetch(`${platform.baseUrl}/openapi.json`)).json()) as {
      paths: Record<string, { post?: { requestBody?: { content: Record<string, { example: unknown }> } } }>;
    };
    const examples = Object.entries(paths).flatMap(([path, { post }]) => {
      const json = post?.requestBody?.content['application/json'];
      return json ? [{ path, example: json.example }] : [];
    });
    assert.ok(examples.length >= 4);
    for (const { path, example } of examples) {
      const response = await fetch(`${platform.baseUrl}${path}`, {
        method: 'POST',
        headers,
        body: JSON.stringify(example),
      });
      assert.ok(response.ok, `${path}: ${await response.text()}`);
    }
  });

  test('a server that fails is seen through', async () => {
    const document = await (await fetch(`${platform.baseUrl}/openapi.json`)).text();
    const failing = createServer((request, response) => {
      if (request.url === '/openapi.json') response.setHeader('Content-Type', 'application/json').end(document);
      else response.writeHead(500).end();
    }).listen(0, '127.0.0.1');
    await once(failing, 'listening');
    try {
      const url = `http://127.0.0.1:${(failing.address() as AddressInfo).port}`;
      const { code, report } = await fuzz(url, ['--phases', 'examples']);
      assert.notEqual(code, 0);
      assert.match(report, /Server error/);
    } finally {
      failing.close();
    }
  });
});
