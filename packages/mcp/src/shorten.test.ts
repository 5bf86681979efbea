/** What a model gets of text that is too long for it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shorten } from './shorten.js';

test('text that fits is left as it is', () => {
  assert.equal(shorten('0123456789', 10), '0123456789');
  assert.equal(shorten('', 10), '');
});

test('of longer text there is the head and the tail, and how much is missing', () => {
  assert.equal(shorten(`head${'.'.repeat(12_345)}tail`, 8), 'head\n[… 12,345 characters are left out here …]\ntail');
});

test('no character is cut in two', () => {
  for (let most = 2; most < 12; most += 1) assert.ok(shorten('😀'.repeat(20), most).isWellFormed(), `${most}`);
});
