/** Prometheus' own check of rules and metrics: promtool, out of Debian's package, whose server is not installed. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Availability, findOnPath, prepareAsRoot, ROOT } from './programs.js';

const run = promisify(execFile);
const PACKAGE = 'prometheus';
const BIN = join(ROOT, '.cache/bin');

export function findPromtool(): Availability {
  const path = [join(BIN, 'promtool'), findOnPath('promtool')].find((at) => at && existsSync(at));
  return path ? { path } : { missing: `promtool is not installed: apt-get install ${PACKAGE}` };
}

export function preparePromtool(log: (line: string) => void): Promise<Availability> {
  return prepareAsRoot('promtool', [PACKAGE], findPromtool, async () => {
    log('fetching promtool: apt-get download prometheus');
    await mkdir(BIN, { recursive: true });
    const folder = await mkdtemp(join(BIN, 'promtool-'));
    try {
      await run('apt-get', ['update']);
      await run('apt-get', ['download', PACKAGE], { cwd: folder });
      const [file = ''] = await readdir(folder);
      await run('dpkg-deb', ['-x', join(folder, file), folder]);
      await rename(join(folder, 'usr/bin/promtool'), join(BIN, 'promtool'));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
}
