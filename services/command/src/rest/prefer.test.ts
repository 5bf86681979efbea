/** What of `Prefer` is understood. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { preferredWaitSeconds } from './prefer.js';

for (const [prefer, seconds] of [
  [undefined, 0],
  ['wait=10', 10],
  ['Wait = "10"', 10],
  ['respond-async, wait=10', 10],
  ['wait=61', 60],
  ['wait', 60],
  ['respond-async, wait', 60],
  ['wait, respond-async', 60],
  ['wait=0', 0],
  ['wait=soon', 0],
  ['wait=-1', 0],
  ['waiting', 0],
  ['no-wait', 0],
  ['respond-async', 0],
] as const) {
  test(`Prefer: ${prefer} waits ${seconds} seconds`, () => assert.equal(preferredWaitSeconds(prefer), seconds));
}
