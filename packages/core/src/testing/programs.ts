/** Where the programs are that tests need, and how missing ones are installed. */
import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The repository: `packages/core/dist/testing/` is four folders below it. */
export const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

/** Where a program is, or why it is not here. */
export type Availability = { readonly path: string } | { readonly missing: string };

/** As root, where there is apt-get. */
export async function installPackages(names: readonly string[], log: (line: string) => void): Promise<void> {
  // Another process of this machine may be installing too.
  const words = ['install', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=600', ...names];
  log(`installing ${names.join(', ')}: apt-get ${words.join(' ')}`);
  // Run level 1: a package does not start a server of its own.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  await run('apt-get', ['update'], { env });
  await run('apt-get', words, { env });
}

/**
 * What `find` finds; where it is missing, and root may install packages, it is made first. Once done, this costs nothing.
 * @param what as it is called where it cannot be had.
 */
export async function prepareAsRoot(
  what: string,
  packages: readonly string[],
  find: () => Availability,
  make: () => Promise<void>,
): Promise<Availability> {
  const found = find();
  if ('path' in found) return found;
  if (process.getuid?.() !== 0 || !findOnPath('apt-get'))
    return { missing: `${found.missing} (as root: npm test installs ${packages.join(', ')})` };
  try {
    await make();
  } catch (error) {
    return { missing: `${what} could not be made ready: ${(error as Error).message}` };
  }
  return find();
}

export function findOnPath(program: string): string | undefined {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
