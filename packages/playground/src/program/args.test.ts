import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseArgs } from './args.js';

test('arguments are words between blanks', () => {
  assert.deepEqual(parseArgs('  one two\tthree\n'), ['one', 'two', 'three']);
  assert.deepEqual(parseArgs('   '), []);
});

test('quotes keep blanks, and empty ones are a word', () => {
  assert.deepEqual(parseArgs(`"a b" 'c "d"' "" e"f g"h`), ['a b', 'c "d"', '', 'ef gh']);
});

test('a backslash takes what follows as it is, but not in single quotes', () => {
  assert.deepEqual(parseArgs(String.raw`a\ b "\"" 'c\d' \\`), ['a b', '"', String.raw`c\d`, '\\']);
});

test('a quote that is never closed is refused', () => {
  assert.throws(() => parseArgs('"a'), /double quote is never closed/);
  assert.throws(() => parseArgs("it's"), /single quote is never closed/);
});
