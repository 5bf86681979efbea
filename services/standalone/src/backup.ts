/**
 * `npm run backup -- FOLDER`: copies the jobs, results and files of `DATA_DIR` into a folder, also while the platform runs.
 * docs/backup.md says what such a copy holds and how it is restored.
 */
import { constants, fchownSync, fstatSync, mkdirSync, openSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { readConfig } from '@runlane/core';
import { backUpEmbedded } from '@runlane/core/adapters';

const MEBIBYTE = 1024 * 1024;

/** Held open by a number: whoever we become may not be allowed to go there by its name. */
function openFolder(path: string): number {
  return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
}

/** As root, be the user whose folder it is: root would follow every link that this user may have made in it. */
function becomeOwnerOf(folder: number, target: number): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = fstatSync(folder);
  fchownSync(target, uid, gid);
  process.setgroups?.([]);
  process.setgid?.(gid);
  process.setuid?.(uid);
}

async function main(): Promise<void> {
  const [where] = process.argv.slice(2);
  if (!where) throw new Error('say where to: npm run backup -- FOLDER');
  const { DATA_DIR, MONGO_URL } = readConfig(process.env, ['DATA_DIR', 'MONGO_URL']);
  if (MONGO_URL) throw new Error('jobs are kept in MongoDB (MONGO_URL): docs/backup.md says how that is backed up');
  process.umask(0o077);
  mkdirSync(where, { recursive: true, mode: 0o700 });
  if (readdirSync(where).length > 0) throw new Error(`${where} is not empty: name a folder that is, or a new one`);
  const [folder, target] = [openFolder(DATA_DIR), openFolder(where)];
  becomeOwnerOf(folder, target);
  const { artifacts, bytes } = await backUpEmbedded(`/proc/self/fd/${folder}`, `/proc/self/fd/${target}`);
  const size = (bytes / MEBIBYTE).toFixed(1);
  process.stdout.write(`${resolve(DATA_DIR)} is in ${resolve(where)}: ${artifacts} artifacts, ${size} MiB in all\n`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`Nothing is backed up: ${(error as Error).message}\n`);
  process.exit(1);
}
