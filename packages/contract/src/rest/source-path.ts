/** Which paths a program's files may have: relative, normal, printable, the same file on every file system. */

const MAX_PATH_BYTES = 1_024;
const MAX_PART_BYTES = 255;
const MAX_PARTS = 8;

/** Why this path may not be used, or undefined when it may. */
export function pathProblem(path: string): string | undefined {
  if (path === '') return 'must not be empty';
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) return `must be at most ${MAX_PATH_BYTES} bytes`;
  if (!path.isWellFormed()) return 'must be valid Unicode';
  if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(path)) return 'must not contain control or formatting characters';
  if (path.includes('\\')) return 'must use "/" between folders, not "\\"';
  if (path.startsWith('/')) return 'must be relative: without a leading "/"';
  if (/^[A-Za-z]:/.test(path)) return 'must be relative: without a drive letter';
  const parts = path.split('/');
  if (parts.length > MAX_PARTS) return `must have at most ${MAX_PARTS} parts`;
  if (parts.some((part) => part === '' || part === '.' || part === '..'))
    return 'must not contain empty parts, "." or ".."';
  if (parts.some((part) => Buffer.byteLength(part) > MAX_PART_BYTES))
    return `each part must be at most ${MAX_PART_BYTES} bytes`;
  return undefined;
}

/** What two paths that some file system takes for the same have in common. */
const foldPath = (path: string) => path.normalize('NFC').toLowerCase();

/** The index of the first path that collides with an earlier one, as the same file or as a file where a folder is. */
export function collidingPath(paths: readonly string[]): number | undefined {
  const files = new Set<string>();
  const folders = new Set<string>();
  for (const [index, path] of paths.entries()) {
    const folded = foldPath(path);
    const parts = folded.split('/');
    const parents = parts.slice(1).map((_, count) => parts.slice(0, count + 1).join('/'));
    if (files.has(folded) || folders.has(folded) || parents.some((parent) => files.has(parent))) return index;
    files.add(folded);
    for (const parent of parents) folders.add(parent);
  }
  return undefined;
}
