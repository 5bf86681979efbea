import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inLanguage, withContent, withName, withNewFile, without } from './files.js';
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

test('in another language the file to start has the name of that one, unless it never had the old one’s', () => {
  const entries = { old: 'main.c', new: 'Main.java' };
  const java = inLanguage({ ...ONE, version: '12' }, 'java', entries);
  assert.deepEqual(java, {
    ...ONE,
    language: 'java',
    files: [{ path: 'Main.java', content: 'a' }],
    entry: 'Main.java',
  });
  const named = withName(withNewFile(ONE, 'main.c').program, 'main.c', 'lib/start.c');
  assert.deepEqual(paths(inLanguage(named, 'java', entries)), ['Main.java', 'module.c']);
  const other = withName(ONE, 'main.c', 'Makefile');
  assert.deepEqual(inLanguage(other, 'java', entries), { ...other, language: 'java' });
  assert.deepEqual(inLanguage(ONE, 'java', { old: undefined, new: 'Main.java' }), { ...ONE, language: 'java' });
});

test('a file that already has the name of the other language is started, and none is lost', () => {
  const both = withName(withNewFile(ONE, 'main.c').program, 'module.c', 'Main.java');
  const java = inLanguage(both, 'java', { old: 'main.c', new: 'Main.java' });
  assert.deepEqual([paths(java), java.entry], [['main.c', 'Main.java'], 'Main.java']);
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
