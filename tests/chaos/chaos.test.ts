/** The short form in every test run, and a control: where workers ask nobody before they run a job, it must find doubles. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { skipWithout } from '@runlane/core/testing';
import { SHORT } from './forms.js';
import { linesOf } from './report.js';
import { runSuite, type SuiteOptions } from './suite.js';

const WITHOUT_CLAIMS = fileURLToPath(new URL('../../system/without-claims.mjs', import.meta.url));

async function reportOf(options: Partial<SuiteOptions>) {
  const seed = Math.floor(Math.random() * 1e9);
  const report = await runSuite({ ...SHORT, ...options, seed, say: console.log });
  return { report, lines: linesOf(report).join('\n') };
}

describe('chaos', { skip: skipWithout('redis-server', 'mongo-wire', 'faketime') }, () => {
  test('loses nothing and doubles nothing, whatever breaks', async () => {
    const { report, lines } = await reportOf({});
    console.log(lines);
    assert.ok(report.ok, lines);
    assert.match(lines, /\n\d{3,} accepted, \d{3,} ended, 0 lost, 0 doubled$/);
  });

  test('control: without claims, it finds jobs that ran twice', async () => {
    const control = { only: ['repeat'], rounds: 2, jobs: 20, workerNodeArgs: ['--import', WITHOUT_CLAIMS] };
    const { report, lines } = await reportOf(control);
    assert.equal(report.ok, false, lines);
    assert.notDeepEqual(report.doubled, [], lines);
  });
});
