/**
 * Runs the examples of the README, docs/api.md and docs/judging.md as written, and compares what comes back with what is shown beneath
 * each, where "…" stands for anything. The server is the one that RUNLANE_URL names, else one of its own.
 */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
let base = process.env.RUNLANE_URL?.replace(/\/$/, '');
const MARK = '<!-- example -->';
const EXAMPLE = /\n([^\n]+)\n\n<!-- example -->\n```sh\n([\s\S]*?)```\n```(?:json|text)\n([\s\S]*?)```/g;

function examplesIn(page) {
  const text = readFileSync(new URL(`../${page}`, import.meta.url), 'utf8');
  const examples = [...text.matchAll(EXAMPLE)].map(([, title, script, shown]) => ({ title, script, shown }));
  return { examples, marked: text.split(MARK).length - 1 };
}

/** What is shown as a pattern; line breaks beside "…" are anything too. */
function patternOf(shown) {
  const parts = shown.trim().split(/\s*…\s*/);
  return new RegExp(`^${parts.map((part) => part.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('[\\s\\S]*')}\\s*$`);
}

if (!base) {
  const folder = mkdtempSync(`${tmpdir()}/runlane-readme-`);
  let server;

  before(async () => {
    const program = fileURLToPath(new URL('../services/standalone/dist/main.js', import.meta.url));
    const own = { HTTP_PORT: '0', GRPC_PORT: '0', DATA_DIR: folder, MONGO_URL: '', REDIS_URL: '', RUNNERS: '' };
    server = spawn(process.execPath, [program, '--json'], {
      env: { ...process.env, ...own },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    for await (const line of createInterface({ input: server.stdout })) {
      if (!line.startsWith('{')) continue;
      base = `http://localhost:${JSON.parse(line).httpPort}`;
      return;
    }
    throw new Error('the server did not start');
  });

  after(async () => {
    if (server.exitCode === null && server.kill('SIGTERM')) await once(server, 'exit');
    rmSync(folder, { recursive: true, force: true });
  });
}

for (const page of ['README.md', 'docs/api.md', 'docs/judging.md']) {
  const { examples, marked } = examplesIn(page);

  test(`every example of ${page} has what it answers beneath it`, () => {
    assert.ok(marked > 0);
    assert.equal(examples.length, marked);
  });

  for (const { title, script, shown } of examples) {
    test(`as ${page} says: ${title}`, { timeout: 60_000 }, async () => {
      assert.ok(script.includes('localhost:3000'), 'it asks no server');
      const here = script.replaceAll('localhost:3000', base);
      const { stdout, stderr } = await run('/bin/sh', ['-euc', here]);
      assert.equal(stderr, '');
      assert.match(stdout.replaceAll('\r', ''), patternOf(shown));
    });
  }
}
