/** A wall clock that can be set for one process: Debian's libfaketime, to be preloaded. */
import { existsSync } from 'node:fs';
import { type Availability, installPackages, prepareAsRoot } from './programs.js';

const PACKAGES = ['faketime'];
const PROCESSOR = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
const LIBRARY = `/usr/lib/${PROCESSOR}-linux-gnu/faketime/libfaketime.so.1`;

export function findFaketime(): Availability {
  return existsSync(LIBRARY)
    ? { path: LIBRARY }
    : { missing: 'libfaketime is not installed: apt-get install faketime' };
}

export function prepareFaketime(log: (line: string) => void): Promise<Availability> {
  return prepareAsRoot('libfaketime', PACKAGES, findFaketime, () => installPackages(PACKAGES, log));
}
