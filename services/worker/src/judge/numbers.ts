/**
 * Numbers in output, and whether one is near enough to another. They are read from the bytes: output may be a million of them, and
 * the event loop waits meanwhile, so no word becomes a text unless a double cannot be told in a few steps.
 */
import type { Pieces } from './pieces.js';

/** Where a word is. */
type Word = Pick<Pieces, 'bytes' | 'start' | 'end'>;

const PLUS = 0x2b;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
/** A small "e". */
const E = 0x65;
/** The bit that makes an ASCII letter a small one. */
const SMALL = 0x20;
const [INF, INFINITY, NAN] = ['inf', 'infinity', 'nan'].map((name) => Buffer.from(name)) as [Buffer, Buffer, Buffer];

/** So many digits make a whole number that a double holds exactly. */
const EXACT_DIGITS = 15;
/** The powers of ten that a double holds exactly. */
const EXACT_POWERS = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));

export interface Tolerances {
  readonly absolute: number;
  readonly relative: number;
}

/**
 * Whether both are numbers, and no further apart than max(absolute, relative × |expected|), as far as doubles can tell. "nan" is
 * near "nan", and each infinity near itself, in any of their usual spellings.
 */
export function near(expected: Word, actual: Word, { absolute, relative }: Tolerances): boolean {
  const wanted = toNumber(expected);
  const found = toNumber(actual);
  if (wanted === undefined || found === undefined) return false;
  if (!Number.isFinite(wanted) || !Number.isFinite(found)) return Object.is(wanted, found);
  const size = Math.abs(wanted);
  // What rounding alone may make of a difference that is just allowed.
  const rounding = Number.EPSILON * size;
  return Math.abs(found - wanted) <= Math.max(absolute, relative * size) + rounding;
}

/**
 * Undefined for what is no number, and for one that no double can hold: it is compared as a word. A number is digits with at most
 * one point among, before or after them, and an exponent or none; exported for its test.
 */
export function toNumber(word: Word): number | undefined {
  const { bytes, start, end } = word;
  const isNegative = bytes[start] === MINUS;
  const first = isNegative || bytes[start] === PLUS ? start + 1 : start;
  let at = first;
  let digits = 0;
  let whole = 0;
  let afterPoint = 0;
  let hasPoint = false;
  for (; at < end; at += 1) {
    const byte = bytes[at] as number;
    if (isDigit(byte)) {
      whole = whole * 10 + byte - ZERO;
      digits += 1;
      if (hasPoint) afterPoint += 1;
    } else if (byte === POINT && !hasPoint) hasPoint = true;
    else break;
  }
  if (digits === 0) return named(bytes, first, end, isNegative);
  const exponent = at === end ? 0 : exponentAt(bytes, at, end);
  if (exponent === undefined) return undefined;
  const power = exponent - afterPoint;
  if (digits > EXACT_DIGITS || Math.abs(power) >= EXACT_POWERS.length) return roundedNumber(word);
  // Of two numbers that are exact, one operation gives the double that is nearest.
  const scale = EXACT_POWERS[Math.abs(power)] as number;
  const size = power < 0 ? whole / scale : whole * scale;
  return isNegative ? -size : size;
}

/** The exponent that is the rest of a word; undefined where the rest is none. */
function exponentAt(bytes: Uint8Array, start: number, end: number): number | undefined {
  if (((bytes[start] as number) | SMALL) !== E) return undefined;
  const isNegative = bytes[start + 1] === MINUS;
  const first = isNegative || bytes[start + 1] === PLUS ? start + 2 : start + 1;
  if (first >= end) return undefined;
  let exponent = 0;
  for (let at = first; at < end; at += 1) {
    const byte = bytes[at] as number;
    if (!isDigit(byte)) return undefined;
    exponent = exponent * 10 + byte - ZERO;
  }
  return isNegative ? -exponent : exponent;
}

function roundedNumber({ bytes, start, end }: Word): number | undefined {
  const value = Number(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1'));
  return Number.isFinite(value) ? value : undefined;
}

function named(bytes: Uint8Array, start: number, end: number, isNegative: boolean): number | undefined {
  if (isName(NAN, bytes, start, end)) return Number.NaN;
  if (!isName(INF, bytes, start, end) && !isName(INFINITY, bytes, start, end)) return undefined;
  return isNegative ? -Infinity : Infinity;
}

function isName(name: Buffer, bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== name.length) return false;
  for (let at = 0; at < name.length; at += 1) if (((bytes[start + at] as number) | SMALL) !== name[at]) return false;
  return true;
}

const isDigit = (byte: number) => byte >= ZERO && byte <= NINE;
