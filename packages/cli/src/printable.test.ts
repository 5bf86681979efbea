import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printable } from './printable.js';

test('what would be an order to a terminal is written out', () => {
  assert.equal(printable('a\u001b]0;title\u0007\r\u009b2Jb'), 'a\\x1b]0;title\\x07\\x0d\\x9b2Jb');
});

test('text, in any script, is left as it is, with its lines and columns', () => {
  const text = 'ein Täßchen\n\tкофе ☕';
  assert.equal(printable(text), text);
});
