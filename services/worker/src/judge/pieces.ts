/** Bytes line by line or word by word, without a copy of any: output is as large as its limit, and may be all line breaks. */

const NEWLINE = 10;
/** ASCII's: tab, line feed, vertical tab, form feed, carriage return, space. */
const isBlank = (byte: number | undefined) => byte === 32 || (byte !== undefined && byte >= 9 && byte <= 13);

/** Where the current piece is; `next` goes on to the one after it, and is false at the end. */
export interface Pieces {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** Of the current piece, from 1; after the last one, of the one that would follow. */
  readonly number: number;
  /** The line that it is in, from 1. */
  readonly line: number;
  next(): boolean;
}

/** Lines without the white space at their end, up to the last that has anything else. */
export function linesOf(bytes: Uint8Array): Pieces {
  const last = endOfText(bytes, 0, bytes.length);
  let at = 0;
  const pieces = {
    bytes,
    start: 0,
    end: 0,
    number: 0,
    line: 0,
    next() {
      pieces.number += 1;
      pieces.line += 1;
      if (at >= last) return false;
      pieces.start = at;
      const newline = bytes.indexOf(NEWLINE, at);
      const stop = newline === -1 ? last : Math.min(newline, last);
      pieces.end = endOfText(bytes, at, stop);
      at = stop + 1;
      return true;
    },
  };
  return pieces;
}

/** Words: what is between white space of any kind and length. */
export function wordsOf(bytes: Uint8Array): Pieces {
  let at = 0;
  const pieces = {
    bytes,
    start: 0,
    end: 0,
    number: 0,
    line: 1,
    next() {
      pieces.number += 1;
      for (; isBlank(bytes[at]); at += 1) if (bytes[at] === NEWLINE) pieces.line += 1;
      if (at >= bytes.length) return false;
      pieces.start = at;
      while (at < bytes.length && !isBlank(bytes[at])) at += 1;
      pieces.end = at;
      return true;
    },
  };
  return pieces;
}

/** Where the white space before `end` begins. */
function endOfText(bytes: Uint8Array, start: number, end: number): number {
  let at = end;
  while (at > start && isBlank(bytes[at - 1])) at -= 1;
  return at;
}
