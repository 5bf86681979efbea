import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withContent, withName, withNewFile, without } from './files.js';
import type { Program } from './program.js';

const ONE: Program = {
  language: 'c',
  version: '',
  files: [{ path: 'main.c', content: 'a' }],
  entry: 'main.c',
  stdin: '',
  args: '',
  talk: 'before',
};
const paths = ({ files }: Program) => files.map(({ path }) => path);

test('a new file is named like the others, and never as one that is there', () => {
  const first = withNewFile(ONE, 'main.c');
  const second = withNewFile(first.program, 'main.c');
  assert.deepEqual(paths(second.program), ['main.c', 'module.c', 'module2.c']);
  assert.equal(second.path, 'module2.c');
  assert.equal(withNewFile(ONE, 'src.d/Makefile').path, 'module');
});

test('the entry goes with its name, and to the first file when its own is deleted', () => {
  const two = withNewFile(ONE, 'main.c').program;
  assert.equal(withName(two, 'main.c', 'start.c').entry, 'start.c');
  assert.equal(withName(two, 'module.c', 'x.c').entry, 'main.c');
  assert.equal(without(two, 'main.c').entry, 'module.c');
});

test('the last file cannot be deleted', () => {
  assert.equal(without(ONE, 'main.c'), ONE);
});

test('what is written into a file is in no other', () => {
  const two = withNewFile(ONE, 'main.c').program;
  assert.deepEqual(
    withContent(two, 'module.c', 'b').files.map(({ content }) => content),
    ['a', 'b'],
  );
});
