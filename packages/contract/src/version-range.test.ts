import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { chooseVersion, compareVersions, isVersionRange, MAX_VERSION_LENGTH } from './version-range.js';

const offer = (...versions: string[]) => versions.map((version) => ({ version }));
const chosen = (wanted: string, ...versions: string[]) => chooseVersion(offer(...versions), wanted)?.version;

/** What is wanted, of what, and what it means. */
const CHOICES: readonly (readonly [wanted: string, offered: readonly string[], meant: string | undefined])[] = [
  ['', ['3.11.2', '3.13.0'], '3.11.2'],
  ['3', ['3.9.2', '3.11.2', '3.10.7', '4.0.0'], '3.11.2'],
  ['3.11', ['3.11.2', '3.110.0', '3.12.0'], '3.11.2'],
  ['3.x', ['2.7.18', '3.11.2'], '3.11.2'],
  ['*', ['2.7.18', '3.11.2'], '3.11.2'],
  ['^3.10', ['3.9.9', '3.12.1', '4.0.0'], '3.12.1'],
  ['~3.10.2', ['3.10.1', '3.10.9', '3.11.0'], '3.10.9'],
  ['>=17 <22', ['11.0.2', '17.0.15', '21.0.7', '22.0.0'], '21.0.7'],
  ['17 - 19', ['17.0.15', '19.0.2', '20.0.0'], '19.0.2'],
  ['8 || 17', ['8.0.402', '11.0.2', '17.0.15'], '17.0.15'],
  ['17.0.15', ['17.0.15', '17.0.16'], '17.0.15'],
  ['5.36', ['5.36.0'], '5.36.0'],
  ['12', ['12.2.0'], '12.2.0'],
  ['3.40.1', ['3.40.1'], '3.40.1'],
  ['1.63', ['1.63'], '1.63'],
  ['^1.60', ['1.63'], '1.63'],
  ['1.63', ['1.63.2', '1.63'], '1.63'],
  ['4.2.2.1', ['4.2.2.1', '4.2.2.2'], '4.2.2.1'],
  ['4.2.2.9', ['4.2.2.1'], '4.2.2.1'],
  ['>=4.2.2.0 <5', ['4.2.2.1', '5.0.0.1'], '4.2.2.1'],
  ['3.09', ['3.9.1'], '3.9.1'],
  ['2.2.9.debian', ['2.2.9.debian', '2.3.0'], '2.2.9.debian'],
  ['2.2', ['2.2.9.debian'], '2.2.9.debian'],
  ['21', ['21.0.7+6-LTS'], '21.0.7+6-LTS'],
  ['=3.12.0', ['3.12.0-rc1'], '3.12.0-rc1'],
  ['2', ['3.11.2'], undefined],
  ['>3.11.2', ['3.11.2'], undefined],
  ['latest', ['3.11.2'], undefined],
  ['3', [], undefined],
  ['', [], undefined],
];

for (const [wanted, offered, meant] of CHOICES) {
  test(`"${wanted}" of ${offered.join(', ') || 'nothing'} is ${meant ?? 'none'}`, () => {
    assert.equal(chosen(wanted, ...offered), meant);
  });
}

test('what is no range is told from what is', () => {
  for (const range of ['3', '3.11', '3.11.2', '^3.10', '>=17 <22', '3.x', '*', '4.2.2.1', '3 || 4', '1 - 2', 'v3'])
    assert.ok(isVersionRange(range), range);
  for (const text of ['', ' ', 'latest', 'new', '3..11', '>=', '^^3', '3,4', 'python3.11', '1'.repeat(300)])
    assert.ok(!isVersionRange(text), text);
});

const part = fc.nat({ max: 400 });
const version = fc.array(part, { minLength: 1, maxLength: 4 }).map((numbers) => numbers.join('.'));
const versions = fc.array(version, { minLength: 1, maxLength: 8 });

test('whatever is on offer, naming one gives that one, and nothing gives the first', () => {
  fc.assert(
    fc.property(versions, fc.nat(), (all, index) => {
      const named = all[index % all.length] ?? '';
      assert.equal(chosen(named, ...all), named);
      assert.equal(chosen('', ...all), all[0]);
    }),
  );
});

test('the beginning of a version finds it, or a newer one that begins alike', () => {
  fc.assert(
    fc.property(versions, fc.nat(), fc.integer({ min: 1, max: 3 }), (all, index, length) => {
      const numbers = (all[index % all.length] ?? '').split('.');
      const beginning = numbers.slice(0, Math.min(length, numbers.length));
      const found = chosen(beginning.join('.'), ...all)?.split('.') ?? [];
      assert.deepEqual(
        beginning.map((_, n) => found[n] ?? '0'),
        beginning,
      );
    }),
  );
});

test('what is chosen is the newest of all that fit alone, whatever their order', () => {
  const range = fc.tuple(fc.constantFrom('^', '~', '>=', '<', '<=', '>', ''), version).map((both) => both.join(''));
  fc.assert(
    fc.property(versions, range, (all, wanted) => {
      fc.pre(!all.includes(wanted));
      const fitting = all.filter((each) => chosen(wanted, each) !== undefined);
      const newest = chosen(wanted, ...all);
      assert.equal(newest !== undefined, fitting.length > 0);
      for (const each of fitting) assert.ok(compareVersions(newest ?? '', each) >= 0, `${newest} before ${each}`);
      assert.equal(compareVersions(chosen(wanted, ...all.toReversed()) ?? '0', newest ?? '0'), 0);
    }),
  );
});

test('no text at all throws or takes long', () => {
  const hostile = ['x'.repeat(100_000), '>'.repeat(64), `${'1.'.repeat(32)}`, '9'.repeat(64), `^${'0'.repeat(60)}`];
  const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'0123456789.^~<>=|x*- v') }));
  const startedAtMs = performance.now();
  const tried = (wanted: string) => {
    const found = chosen(wanted, '3.11.2', wanted.slice(0, MAX_VERSION_LENGTH));
    if (found === '3.11.2') assert.ok(wanted === '' || isVersionRange(wanted) || wanted === '3.11.2');
  };
  for (const wanted of hostile) tried(wanted);
  fc.assert(fc.property(text, tried), { numRuns: 2_000 });
  assert.ok(performance.now() - startedAtMs < 10_000);
});
