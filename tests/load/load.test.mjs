/** `npm run load`: a short load on the platform passes, and each fault that it is to find fails it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { skipWithout } from '@runlane/core/testing';
import { FAULTS, startStandIn } from './stand-in.mjs';

const LOAD = fileURLToPath(new URL('../../bench/load.mjs', import.meta.url));
const skip = skipWithout('k6');

/** Its exit code and its results. */
async function load(...args) {
  const child = spawn(process.execPath, [LOAD, ...args, '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [chunks, [code]] = await Promise.all([child.stdout.toArray(), once(child, 'close')]);
  const text = Buffer.concat(chunks).toString();
  assert.match(text, /^\[/, `no results, exit code ${code}`);
  return { code, results: JSON.parse(text) };
}

test('the platform loses no job under load and makes none twice, over both doors, watched and unwatched', {
  skip,
}, async () => {
  const { code, results } = await load('steady', 'streaming', '--embedded', '--duration', '8s', '--rate', '4');
  assert.deepEqual(
    results.map(({ scenario, lost, doubled, failures, passed }) => ({ scenario, lost, doubled, failures, passed })),
    ['steady', 'streaming'].map((scenario) => ({ scenario, lost: 0, doubled: 0, failures: 0, passed: true })),
    JSON.stringify(results, undefined, 2),
  );
  for (const { accepted, afterwards } of results) {
    assert.ok(accepted >= 8, `only ${accepted} jobs were accepted`);
    assert.equal(afterwards.checked, accepted);
    assert.deepEqual(afterwards.statuses, { succeeded: accepted });
  }
  assert.equal(code, 0);
});

/** @returns what the load says of a server with this fault */
async function loadStandIn(fault) {
  const server = await startStandIn(fault);
  try {
    const { code, results } = await load('--url', server.url, '--duration', '2s', '--patience', '4s', '--rate', '12');
    const [{ thresholds, afterwards, passed, accepted, reasons }] = results;
    const missed = Object.keys(thresholds).filter((name) => !thresholds[name]);
    const seenAfterwards = ['lost', 'doubled'].filter((kind) => afterwards[kind].length > 0);
    return { code, passed, missed, seenAfterwards, accepted, reasons };
  } finally {
    await server.stop();
  }
}

test('control: a server without a fault passes', { skip }, async () => {
  const { accepted, reasons, ...found } = await loadStandIn(undefined);
  assert.deepEqual(found, { code: 0, passed: true, missed: [], seenAfterwards: [] }, JSON.stringify(reasons));
  assert.ok(accepted > 10);
});

/** By fault: the thresholds that k6 then misses, and what the check after the run finds. */
const FOUND_BY = {
  'never-ends': { missed: ['jobs_lost'], seenAfterwards: ['lost'] },
  'gone-later': { missed: [], seenAfterwards: ['lost'] },
  'two-results': { missed: ['jobs_doubled'], seenAfterwards: ['doubled'] },
  'one-beside': { missed: [], seenAfterwards: ['doubled'] },
  'key-twice': { missed: ['jobs_doubled'], seenAfterwards: ['doubled'] },
  'answers-500': { missed: ['failures'], seenAfterwards: [] },
};

for (const fault of FAULTS) {
  test(`control: one job with the fault "${fault}" fails the load, and nothing but its threshold`, {
    skip,
  }, async () => {
    const { accepted, reasons, ...found } = await loadStandIn(fault);
    assert.deepEqual(found, { code: 1, passed: false, ...FOUND_BY[fault] }, JSON.stringify(reasons));
    assert.ok(accepted > 10);
  });
}

/** @returns what the load says of a server whose gRPC door has this fault */
async function loadGrpcStandIn(fault) {
  const server = await startStandIn(undefined, fault);
  try {
    const scenario = fault === 'watch-internal' ? 'streaming' : 'steady';
    const doors = ['--url', server.url, '--grpc', server.grpc];
    const { code, results } = await load(scenario, ...doors, '--duration', '2s', '--patience', '4s', '--rate', '6');
    const [{ thresholds, passed, accepted, refused, reasons }] = results;
    const missed = Object.keys(thresholds).filter((name) => !thresholds[name]);
    assert.ok(accepted > 5, `${accepted} accepted`);
    return { code, passed, missed, refused: refused > 0, reasons };
  } finally {
    await server.stop();
  }
}

for (const fault of ['submit-internal', 'watch-internal', 'get-unknown']) {
  test(`control: one call over gRPC with the fault "${fault}" fails the load`, { skip }, async () => {
    const { code, passed, missed, reasons } = await loadGrpcStandIn(fault);
    assert.deepEqual(
      { code, passed, missed },
      { code: 1, passed: false, missed: ['failures'] },
      JSON.stringify(reasons),
    );
  });
}

test('control: a call over gRPC that is refused as unavailable does not', { skip }, async () => {
  const { reasons, ...found } = await loadGrpcStandIn('submit-unavailable');
  assert.deepEqual(found, { code: 0, passed: true, missed: [], refused: true }, JSON.stringify(reasons));
});
