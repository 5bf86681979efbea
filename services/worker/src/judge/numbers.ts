/** Numbers in output, and whether one is near enough to another. */

/** What a number looks like. No part of it can be read in two ways, or a long word would take for ever. */
const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const INFINITY = /^([+-]?)inf(?:inity)?$/i;
const NOT_A_NUMBER = /^[+-]?nan$/i;

export interface Tolerances {
  readonly absolute: number;
  readonly relative: number;
}

/**
 * Whether both are numbers, and no further apart than max(absolute, relative × |expected|), as far as doubles can tell. "nan" is
 * near "nan", and each infinity near itself, in any of their usual spellings.
 */
export function near(expected: string, actual: string, { absolute, relative }: Tolerances): boolean {
  const wanted = toNumber(expected);
  const found = toNumber(actual);
  if (wanted === undefined || found === undefined) return false;
  if (!Number.isFinite(wanted) || !Number.isFinite(found)) return Object.is(wanted, found);
  const size = Math.abs(wanted);
  // What rounding alone may make of a difference that is just allowed.
  const rounding = Number.EPSILON * size;
  return Math.abs(found - wanted) <= Math.max(absolute, relative * size) + rounding;
}

/** Undefined for what is no number, and for one that no double can hold: it is compared as a word. */
function toNumber(text: string): number | undefined {
  if (NUMBER.test(text)) {
    const value = Number(text);
    return Number.isFinite(value) ? value : undefined;
  }
  const infinity = INFINITY.exec(text);
  if (infinity) return infinity[1] === '-' ? -Infinity : Infinity;
  return NOT_A_NUMBER.test(text) ? Number.NaN : undefined;
}
