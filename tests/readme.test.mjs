/**
 * Runs the examples of the README and of docs/api.md as written, against the server that RUNLANE_URL names, and compares
 * what comes back with what is shown beneath each, where "…" stands for anything.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);
const base = process.env.RUNLANE_URL?.replace(/\/$/, '');
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

for (const page of ['README.md', 'docs/api.md']) {
  const { examples, marked } = examplesIn(page);

  test(`every example of ${page} has what it answers beneath it`, () => {
    assert.ok(marked > 0);
    assert.equal(examples.length, marked);
  });

  for (const { title, script, shown } of examples) {
    const options = { skip: !base && 'RUNLANE_URL names no server', timeout: 60_000 };
    test(`as ${page} says: ${title}`, options, async () => {
      assert.ok(script.includes('localhost:3000'), 'it asks no server');
      const here = script.replaceAll('localhost:3000', base);
      const { stdout, stderr } = await run('/bin/sh', ['-euc', here]);
      assert.equal(stderr, '');
      assert.match(stdout.replaceAll('\r', ''), patternOf(shown));
    });
  }
}
