/**
 * Which picture bytes are, by how they begin. The name of a file is what its program says, and a model's API refuses a whole
 * conversation for a picture that is none.
 */

/** In hexadecimal; a dot is any digit. */
const BEGINNINGS = [
  ['image/png', /^89504e470d0a1a0a/],
  ['image/jpeg', /^ffd8ff/],
  ['image/gif', /^474946383[79]61/],
  ['image/webp', /^52494646.{8}57454250/],
] as const;

export function imageType(bytes: Buffer): string | undefined {
  const beginning = bytes.subarray(0, 12).toString('hex');
  return BEGINNINGS.find(([, pattern]) => pattern.test(beginning))?.[0];
}
