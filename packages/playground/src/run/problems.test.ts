import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Program } from '../program/program.js';
import { place, stillAt } from './problems.js';

const refusalOf = (...fields: string[]) => ({ fields: fields.map((field) => ({ field, reason: 'is bad' })) });

test('what is wrong is said at the part of the page that it is about', () => {
  const { at, all } = place(refusalOf('files[1].path', 'entry', 'limits.wallTimeMs', 'version', 'colour', 'argsy'));
  assert.deepEqual(at, {
    files: 'files[1].path: is bad; entry: is bad',
    timeLimit: 'is bad',
    version: 'version: is bad',
  });
  assert.deepEqual(all, [
    'files[1].path: is bad',
    'entry: is bad',
    'seconds: is bad',
    'version: is bad',
    'colour: is bad',
    'argsy: is bad',
  ]);
});

test('what is wrong with a limit is said in the unit of its field', () => {
  const { at, all } = place({
    fields: [
      { field: 'limits.wallTimeMs', reason: 'must be at most 60000' },
      { field: 'limits.memoryBytes', reason: 'must be at most 268435456' },
    ],
  });
  assert.deepEqual(at, { timeLimit: 'must be at most 60', memoryLimit: 'must be at most 256' });
  assert.deepEqual(all, ['seconds: must be at most 60', 'MiB: must be at most 256']);
});

test('what was wrong with a field goes when the field is changed, and the rest stays', () => {
  const at = { files: 'bad', timeLimit: 'bad' };
  const sent: Program = {
    language: 'c',
    version: '',
    files: [{ path: 'main.c', content: '' }],
    entry: 'main.c',
    stdin: '',
    args: '',
    talk: 'before',
    timeLimit: 90,
  };
  assert.deepEqual(stillAt(at, sent, { ...sent, stdin: 'x' }), at);
  assert.deepEqual(stillAt(at, sent, { ...sent, timeLimit: 60 }), { files: 'bad' });
  assert.deepEqual(stillAt(at, sent, { ...sent, entry: 'other.c' }), { timeLimit: 'bad' });
});

test('a problem without fields is at no place', () => {
  assert.deepEqual(place(undefined), { at: {}, all: [] });
});
