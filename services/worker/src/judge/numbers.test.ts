/** What is read as a number, against what JavaScript itself makes of the same text. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { toNumber } from './numbers.js';

/** In the midst of other bytes, as words of output are. */
function read(text: string): number | undefined {
  const bytes = Buffer.from(`9.${text}e9`);
  return toNumber({ bytes, start: 2, end: bytes.length - 2 });
}

/** The obvious, slow way. */
function slowly(text: string): number | undefined {
  if (/^[+-]?nan$/i.test(text)) return Number.NaN;
  const infinity = /^([+-]?)inf(?:inity)?$/i.exec(text);
  if (infinity) return infinity[1] === '-' ? -Infinity : Infinity;
  if (!/^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

const agree = (text: string) => assert.ok(Object.is(read(text), slowly(text)), `${text}: ${read(text)}`);

test('a number is the double nearest to it, however many digits it has and however large it is', () => {
  const digits = (maxLength: number) => fc.string({ unit: fc.constantFrom(...'0123456789'), maxLength });
  const exponent = fc
    .tuple(fc.constantFrom('', 'e', 'E-', 'e+'), fc.integer({ min: 0, max: 330 }))
    .map(([mark, n]) => (mark ? mark + n : ''));
  const number = fc.tuple(fc.constantFrom('', '-', '+'), digits(20), fc.constantFrom('', '.'), digits(20), exponent);
  fc.assert(
    fc.property(number, (parts) => agree(parts.join(''))),
    { numRuns: 5_000 },
  );
  fc.assert(
    fc.property(fc.double(), (value) => agree(String(value))),
    { numRuns: 1_000 },
  );
});

test('what is nearly a number is none', () => {
  const text = fc.string({ unit: fc.constantFrom(...'+-..0019eEinfatyINF \u00e9'), maxLength: 8 });
  fc.assert(fc.property(text, agree), { numRuns: 20_000 });
  for (const word of [
    '',
    '+',
    '-',
    '.',
    '1.2.3',
    '1e',
    '1e+',
    '1e1.5',
    'e5',
    '--1',
    '1-',
    'inf-',
    'infinit',
    'nann',
    '-.e1',
  ])
    assert.equal(read(word), undefined, word);
  for (const word of ['1.', '.1', '-0', 'iNf', '+INFINITY', '-nAn', '0e999', '000000000000000000001'])
    assert.notEqual(read(word), undefined, word);
});
