/**
 * Which version of a language is meant: the one place where ranges are read. Toolchains number themselves as they like
 * ("1.63", "17.0.15", "4.2.2.1"), so versions are compared by their first three numbers, missing ones being 0.
 */
import semver from 'semver';

/** Longest text that is looked at; more than any range needs. */
export const MAX_VERSION_LENGTH = 64;

/** What to write, for those whose range cannot be read. */
export const VERSION_EXAMPLES = '"3", "3.11", "^3.10", ">=17 <22" or "3.x"';

/** More numbers than three, in a version or in a range: what follows the third. */
const BEYOND_THREE = /(\d+\.\d+\.\d+)(?:\.\d+)+/g;

function numbersOf(version: string): semver.SemVer {
  return semver.coerce(version, { loose: true }) ?? new semver.SemVer('0.0.0');
}

function readRange(text: string): semver.Range | undefined {
  if (text.length > MAX_VERSION_LENGTH || text.trim() === '') return undefined;
  try {
    return new semver.Range(text.replace(BEYOND_THREE, '$1'), { loose: true });
  } catch {
    return undefined;
  }
}

/** Whether this can be understood as a range of versions. */
export function isVersionRange(text: string): boolean {
  return readRange(text) !== undefined;
}

/** Which of two versions is newer, as `sort` wants it: the older one first. */
export function compareVersions(a: string, b: string): number {
  return numbersOf(a).compare(numbersOf(b));
}

/**
 * Of versions on offer, the default one first, the one that is meant: the first for "", the very one that was named, else
 * the newest within the range. Undefined where none is, or the range cannot be read.
 */
export function chooseVersion<T extends { readonly version: string }>(
  offered: readonly T[],
  wanted: string,
): T | undefined {
  if (wanted === '') return offered[0];
  return offered.find(({ version }) => version === wanted) ?? newestWithin(offered, wanted);
}

function newestWithin<T extends { readonly version: string }>(offered: readonly T[], wanted: string): T | undefined {
  const range = readRange(wanted);
  const fitting = offered.filter(({ version }) => range?.test(numbersOf(version)));
  return fitting.reduce<T | undefined>(
    (newest, each) => (newest && compareVersions(each.version, newest.version) <= 0 ? newest : each),
    undefined,
  );
}
