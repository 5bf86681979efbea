import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPast, type PastRun, withRun } from './history.js';

const run = (id: string, content = ''): PastRun => ({
  id,
  at: 1,
  status: 'succeeded',
  program: {
    language: 'python',
    version: '',
    files: [{ path: 'main.py', content }],
    entry: 'main.py',
    stdin: '',
    args: '',
    talk: 'before',
  },
});
const many = (count: number, content?: string) =>
  Array.from({ length: count }, (_, index) => run(`${index}`, content)).reduce<PastRun[]>(withRun, []);

test('the newest runs are kept, the newest first', () => {
  const runs = many(40);
  assert.equal(runs.length, 30);
  assert.deepEqual([runs[0]?.id, runs.at(-1)?.id], ['39', '10']);
});

test('large programs push out more of the old ones, so that all stay within what a browser keeps', () => {
  const runs = many(30, 'x'.repeat(100_000));
  assert.equal(runs.length, 4);
});

test('a run that is told again takes its own place', () => {
  assert.deepEqual(
    withRun([run('b'), run('a')], run('a')).map(({ id }) => id),
    ['a', 'b'],
  );
});

test('what is no history is not taken for one', () => {
  assert.ok(isPast(JSON.parse(JSON.stringify(many(2)))));
  for (const odd of [null, {}, [1], [null], [{ id: 'a' }], [{ ...run('a'), program: { files: [] } }]]) {
    assert.equal(isPast(odd), false);
  }
});
