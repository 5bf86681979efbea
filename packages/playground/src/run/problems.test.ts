import assert from 'node:assert/strict';
import { test } from 'node:test';
import { place } from './problems.js';

const refusalOf = (...fields: string[]) => ({ fields: fields.map((field) => ({ field, reason: 'is bad' })) });

test('what is wrong is said at the part of the page that it is about', () => {
  const { at, elsewhere } = place(
    refusalOf('files[1].path', 'entry', 'limits.wallTimeMs', 'version', 'colour', 'argsy'),
  );
  assert.deepEqual(at, {
    files: 'files[1].path: is bad; entry: is bad',
    timeLimit: 'is bad (milliseconds)',
    version: 'version: is bad',
  });
  assert.deepEqual(elsewhere, ['colour: is bad', 'argsy: is bad']);
});

test('a problem without fields is at no place', () => {
  assert.deepEqual(place(undefined), { at: {}, elsewhere: [] });
});
