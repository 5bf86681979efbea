/**
 * Output against what is expected. Every way is linear in both, as who wrote the output may have meant to hold up the worker,
 * lets others have their turn in between, and says where they differ without a word of what was expected: the message may be shown to whoever wrote the program.
 */
import { setImmediate as others } from 'node:timers/promises';
import { USUAL_TOLERANCE } from '@runlane/contract';
import type { Comparison } from '@runlane/core';
import { near } from './numbers.js';
import { linesOf, type Pieces, wordsOf } from './pieces.js';

/** Most characters that a message quotes of the output. */
const QUOTED_CHARACTERS = 60;
const NEWLINE = 10;
/** So many lines or words are compared without a break: some milliseconds of them, at most. */
const PIECES_AT_ONCE = 5_000;

/** Where output differs from what is expected, in words; undefined where it does not. */
export async function difference(
  { mode, absoluteTolerance, relativeTolerance }: Comparison,
  expected: Uint8Array,
  output: Uint8Array,
): Promise<string | undefined> {
  if (mode === 'exact') return firstByte(expected, output);
  if (mode === 'trimmed') return firstPiece('line', linesOf(expected), linesOf(output), isSame);
  if (mode === 'tokens') return firstPiece('word', wordsOf(expected), wordsOf(output), isSame);
  const usual = absoluteTolerance === undefined && relativeTolerance === undefined ? USUAL_TOLERANCE : 0;
  const tolerances = { absolute: absoluteTolerance ?? usual, relative: relativeTolerance ?? usual };
  const isNear = (a: Pieces, b: Pieces) => isSame(a, b) || near(a, b, tolerances);
  return firstPiece('word', wordsOf(expected), wordsOf(output), isNear);
}

function firstByte(expected: Uint8Array, output: Uint8Array): string | undefined {
  const common = Math.min(expected.length, output.length);
  let at = 0;
  let line = 1;
  for (; at < common && expected[at] === output[at]; at += 1) if (output[at] === NEWLINE) line += 1;
  if (at < common) return `byte ${at + 1}, in line ${line}, is not as expected`;
  if (expected.length > output.length) return `the output ends too early, after ${output.length} bytes`;
  if (expected.length < output.length) return `the output goes on after byte ${at}, where it should end`;
  return undefined;
}

/** The first line or word that differs. */
async function firstPiece(
  name: 'line' | 'word',
  expected: Pieces,
  output: Pieces,
  same: (expected: Pieces, output: Pieces) => boolean,
): Promise<string | undefined> {
  for (;;) {
    if (output.number % PIECES_AT_ONCE === PIECES_AT_ONCE - 1) await others();
    const [more, got] = [expected.next(), output.next()];
    if (!more && !got) return undefined;
    if (!got) return `the output ends too early, before ${name} ${expected.number}`;
    const which = name === 'line' ? `line ${output.number}` : `word ${output.number}, in line ${output.line},`;
    if (!more) return `${which} is ${quote(output)}, where the output should end`;
    if (!same(expected, output)) return `${which} is ${quote(output)}, which is not as expected`;
  }
}

function isSame(a: Pieces, b: Pieces): boolean {
  const length = a.end - a.start;
  if (length !== b.end - b.start) return false;
  for (let at = 0; at < length; at += 1) if (a.bytes[a.start + at] !== b.bytes[b.start + at]) return false;
  return true;
}

function textOf({ bytes, start, end }: Pick<Pieces, 'bytes' | 'start' | 'end'>): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString();
}

function quote({ bytes, start, end }: Pieces): string {
  const text = textOf({ bytes, start, end: Math.min(end, start + 4 * QUOTED_CHARACTERS) });
  return JSON.stringify(text.length > QUOTED_CHARACTERS ? `${text.slice(0, QUOTED_CHARACTERS)}…` : text);
}
