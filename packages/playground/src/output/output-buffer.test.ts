import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOutputBuffer } from './output-buffer.js';

test('pieces of one stream become one, and the order of the streams is kept', () => {
  const buffer = createOutputBuffer(100);
  buffer.append('stdout', 'a');
  buffer.append('stdout', 'b');
  buffer.append('stderr', 'c');
  buffer.append('stdout', 'd');
  assert.deepEqual(buffer.take(), [
    { stream: 'stdout', text: 'ab' },
    { stream: 'stderr', text: 'c' },
    { stream: 'stdout', text: 'd' },
  ]);
  assert.deepEqual(buffer.take(), []);
  assert.equal(buffer.omitted(), 0);
});

test('of more than fits, the end is kept and the rest is counted', () => {
  const buffer = createOutputBuffer(10);
  buffer.append('stdout', '0123456789');
  buffer.append('stderr', 'abcdef');
  assert.deepEqual(buffer.take(), [
    { stream: 'stdout', text: '6789' },
    { stream: 'stderr', text: 'abcdef' },
  ]);
  assert.equal(buffer.omitted(), 6);
});

test('megabytes in small pieces cost no more than what is kept of them', () => {
  const buffer = createOutputBuffer(100_000);
  for (let count = 0; count < 1_000_000; count += 1) buffer.append('stdout', '0123456789');
  const text = buffer
    .take()
    .map((piece) => piece.text)
    .join('');
  assert.equal(text.length, 100_000);
  assert.equal(buffer.omitted(), 10_000_000 - 100_000);
});

test('a cleared buffer has left out nothing', () => {
  const buffer = createOutputBuffer(1);
  buffer.append('stdout', 'abc');
  buffer.take();
  buffer.clear();
  assert.equal(buffer.omitted(), 0);
});
