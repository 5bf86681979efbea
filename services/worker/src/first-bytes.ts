/** The beginning of what a program wrote. */

const LONGEST_CHARACTER_BYTES = 4;

/** A copy, as the rest is not to be kept; not cut within a character, or text would no longer be text. */
export function firstBytes(bytes: Uint8Array, most: number): Uint8Array {
  if (bytes.length <= most) return Buffer.from(bytes);
  let end = most;
  const isContinuation = () => ((bytes[end] ?? 0) & 0b1100_0000) === 0b1000_0000;
  while (end > most - LONGEST_CHARACTER_BYTES && end > 0 && isContinuation()) end -= 1;
  return Buffer.from(bytes.subarray(0, isContinuation() ? most : end));
}
