/** How output is compared: each way by a table, and by what must hold for any output. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Comparison } from '@runlane/core';
import fc from 'fast-check';
import { difference } from './compare.js';

const compare = (mode: Comparison['mode'] | Comparison, expected: string, output: string) =>
  difference(typeof mode === 'string' ? { mode } : mode, Buffer.from(expected), Buffer.from(output));

const NUMERIC_EXACT: Comparison = { mode: 'numeric', absoluteTolerance: 0, relativeTolerance: 0 };
const ABSOLUTE: Comparison = { mode: 'numeric', absoluteTolerance: 0.1 };
const RELATIVE: Comparison = { mode: 'numeric', relativeTolerance: 0.01 };

const SAME: readonly (readonly [Comparison['mode'] | Comparison, string, string])[] = [
  ['exact', '', ''],
  ['exact', 'a\n', 'a\n'],
  ['trimmed', '', '\n \n\t'],
  ['trimmed', 'a\nb', 'a\nb\n\n\n'],
  ['trimmed', 'a\nb\n', 'a  \r\nb\t\r\n'],
  ['trimmed', '\na', '\na'],
  ['trimmed', 'a\n\nb', 'a\n  \nb'],
  ['tokens', 'a b c', '  a\n\tb\r\n\n c'],
  ['tokens', '', ' \n'],
  ['tokens', 'ü\u00a0x', 'ü\u00a0x'],
  ['numeric', '1 2', '1.0000001\n2e0'],
  ['numeric', '1000000', '1000000.9'],
  ['numeric', '0', '-0'],
  ['numeric', '0', '0.0000005'],
  ['numeric', 'yes 3', 'yes 3.0'],
  ['numeric', 'NaN inf -Infinity', 'nan Infinity -inf'],
  ['numeric', '.5 5.', '0.5 5'],
  ['numeric', '1e400', '1e400'],
  [ABSOLUTE, '0.3', '0.4'],
  [ABSOLUTE, '1000', '1000.1'],
  [RELATIVE, '1000', '1009.9'],
  [{ mode: 'numeric', absoluteTolerance: 5, relativeTolerance: 0.01 }, '100 1000', '105 1010'],
  [NUMERIC_EXACT, '1.50', '1.5'],
];

for (const [mode, expected, output] of SAME) {
  test(`${JSON.stringify(mode)} takes ${JSON.stringify(output)} for ${JSON.stringify(expected)}`, async () => {
    assert.equal(await compare(mode, expected, output), undefined);
  });
}

const DIFFERENT: readonly (readonly [Comparison['mode'] | Comparison, string, string, string])[] = [
  ['exact', 'a\nbc', 'a\nbd', 'byte 4, in line 2, is not as expected'],
  ['exact', 'a\n', 'a', 'the output ends too early, after 1 bytes'],
  ['exact', 'a', 'a\n', 'the output goes on after byte 1, where it should end'],
  ['trimmed', 'a\nb', 'a\n b', 'line 2 is " b", which is not as expected'],
  ['trimmed', 'a\nb', 'a\n\nb', 'line 2 is "", which is not as expected'],
  ['trimmed', 'a\nb', 'a', 'the output ends too early, before line 2'],
  ['trimmed', 'a', 'a\n\nb', 'line 2 is "", where the output should end'],
  ['trimmed', 'a b', 'a  b', 'line 1 is "a  b", which is not as expected'],
  ['tokens', 'a b', 'a\nc', 'word 2, in line 2, is "c", which is not as expected'],
  ['tokens', 'a b', 'a', 'the output ends too early, before word 2'],
  ['tokens', 'a', 'a b', 'word 2, in line 1, is "b", where the output should end'],
  ['tokens', '1', '1.0', 'word 1, in line 1, is "1.0", which is not as expected'],
  ['numeric', '1', '1.00001', 'word 1, in line 1, is "1.00001", which is not as expected'],
  ['numeric', '1', 'one', 'word 1, in line 1, is "one", which is not as expected'],
  ['numeric', 'nan', '1', 'word 1, in line 1, is "1", which is not as expected'],
  ['numeric', 'inf', '-inf', 'word 1, in line 1, is "-inf", which is not as expected'],
  ['numeric', 'inf', '1e999', 'word 1, in line 1, is "1e999", which is not as expected'],
  ['numeric', '1e400', '2e400', 'word 1, in line 1, is "2e400", which is not as expected'],
  ['numeric', '1', '0x1', 'word 1, in line 1, is "0x1", which is not as expected'],
  ['numeric', '1', '1_0', 'word 1, in line 1, is "1_0", which is not as expected'],
  [ABSOLUTE, '1000', '1000.2', 'word 1, in line 1, is "1000.2", which is not as expected'],
  [RELATIVE, '0', '0.001', 'word 1, in line 1, is "0.001", which is not as expected'],
];

for (const [mode, expected, output, message] of DIFFERENT) {
  test(`${JSON.stringify(mode)} says of ${JSON.stringify(output)}: ${message}`, async () => {
    assert.equal(await compare(mode, expected, output), message);
  });
}

const WAYS: readonly Comparison['mode'][] = ['exact', 'trimmed', 'tokens', 'numeric'];
/** Text of what comparisons look at: white space, digits, letters. */
const text = fc.string({ unit: fc.constantFrom(...' \n\t\r.-0123eab\u00e9\u{1f600}'), maxLength: 40 });

test('output that is what was expected is taken, whatever it is and however it is compared', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array(), fc.constantFrom(...WAYS), async (bytes, mode) => {
      assert.equal(await difference({ mode }, bytes, Buffer.from(bytes)), undefined);
    }),
  );
});

test('each way takes all that the stricter one before it takes', async () => {
  await fc.assert(
    fc.asyncProperty(text, text, async (expected, output) => {
      const found = await Promise.all(WAYS.map((mode) => compare(mode, expected, output)));
      const taken = found.map((message) => message === undefined);
      for (const [at, took] of taken.entries()) assert.ok(!took || taken.slice(at).every(Boolean), String(taken));
    }),
  );
});

test('lines and words are those of the obvious, slow ways', async () => {
  const lines = (of: string) =>
    of
      .replace(/[ \t\r\n\v\f]+$/, '')
      .split('\n')
      .map((line) => line.replace(/[ \t\r\v\f]+$/, ''));
  const words = (of: string) => of.split(/[ \t\r\n\v\f]+/).filter(Boolean);
  await fc.assert(
    fc.asyncProperty(text, text, async (expected, output) => {
      const same = (split: (of: string) => string[]) =>
        JSON.stringify(split(expected)) === JSON.stringify(split(output));
      assert.equal((await compare('trimmed', expected, output)) === undefined, same(lines));
      assert.equal((await compare('tokens', expected, output)) === undefined, same(words));
    }),
    { numRuns: 1_000 },
  );
});

test('numbers are taken just when they are no further apart than the tolerance', async () => {
  const number = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e12, max: 1e12 });
  const tolerance = fc.double({ noNaN: true, min: 1e-3, max: 1e3 });
  await fc.assert(
    fc.asyncProperty(number, number, tolerance, tolerance, async (a, b, absoluteTolerance, relativeTolerance) => {
      const comparison: Comparison = { mode: 'numeric', absoluteTolerance, relativeTolerance };
      const allowed = Math.max(absoluteTolerance, relativeTolerance * Math.abs(b));
      const distance = Math.abs(a - b);
      // Right at the edge, rounding decides.
      fc.pre(Math.abs(distance - allowed) > 1e-9 * (Math.abs(a) + Math.abs(b) + allowed));
      assert.equal((await compare(comparison, String(b), String(a))) === undefined, distance < allowed);
    }),
  );
});

test('a message never has a word of what was expected, and is short', async () => {
  await fc.assert(
    fc.asyncProperty(text, fc.constantFrom(...WAYS), async (output, mode) => {
      const message = (await compare(mode, 'SECRET SECRET\nSECRET', output)) ?? '';
      assert.doesNotMatch(message, /SECRET/);
    }),
  );
  const long = (await compare('trimmed', 'a', '\u{1f600}'.repeat(100_000))) ?? '';
  assert.ok(long.length < 300, long);
});

test('output made to be slow to compare is not', async () => {
  const megabytes = 1.5 * 1024 * 1024;
  const slow = ['1', '\n', ' ', 'a ', '1 ', '.1', '1\n\n'].map((part) => part.repeat(megabytes / part.length));
  const startMs = performance.now();
  for (const output of slow)
    for (const mode of WAYS) for (const end of ['', 'x']) await compare(mode, `${output}y`, output + end);
  assert.ok(performance.now() - startMs < 56 * 1_000);
});

for (const mode of ['trimmed', 'tokens', 'numeric'] as const)
  test(`others have their turn while much is compared (${mode})`, async () => {
    let turns = 0;
    let next = setImmediate(function turn() {
      turns += 1;
      next = setImmediate(turn);
    });
    await compare(mode, '1e99\n'.repeat(200_000), `${mode === 'numeric' ? '1.0e99' : '1e99'}\n`.repeat(200_000));
    clearImmediate(next);
    assert.ok(turns >= 20, String(turns));
  });
