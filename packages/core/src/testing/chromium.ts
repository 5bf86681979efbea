/** The browser that tests of pages run in: Debian's Chromium. */
import { type Availability, findOnPath, installPackages, prepareAsRoot } from './programs.js';

const PACKAGES = ['chromium'];

export function findChromium(): Availability {
  const path = findOnPath('chromium');
  return path ? { path } : { missing: 'chromium is not installed: apt-get install chromium' };
}

export function prepareChromium(log: (line: string) => void): Promise<Availability> {
  return prepareAsRoot('chromium', PACKAGES, findChromium, () => installPackages(PACKAGES, log));
}
