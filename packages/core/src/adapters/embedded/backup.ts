/**
 * A copy of the embedded store and its artifacts that is as good as the folder was at one moment, made by another process
 * while the platform goes on: LMDB lets others read its file, and an artifact never changes once it has its name.
 */
import { constants } from 'node:fs';
import { copyFile, mkdir, open as openFile, readdir, rename, stat, utimes } from 'node:fs/promises';
import { open } from 'lmdb';
import { DRAFT } from '../filesystem/artifact-store.js';

export interface Backup {
  readonly artifacts: number;
  readonly bytes: number;
}

/**
 * @param folder that of the platform, `DATA_DIR`.
 * @param target an empty folder; becomes another `DATA_DIR`. Its facts get their name last: without it, it is half a copy.
 */
export async function backUpEmbedded(folder: string, target: string): Promise<Backup> {
  const [facts, draft] = [`${target}/store/facts.lmdb`, `${target}/store/facts.lmdb.draft`];
  await mkdir(`${target}/store`, { mode: 0o700 });
  // Facts first: an artifact is there before any fact that leads to it, so every one of those can be copied afterwards.
  await copyFacts(`${folder}/store/facts.lmdb`, draft);
  const copied = await copyArtifacts(`${folder}/artifacts`, `${target}/artifacts`);
  await rename(draft, facts);
  await sync(`${target}/store`);
  return { artifacts: copied.artifacts, bytes: copied.bytes + (await stat(facts)).size };
}

async function copyFacts(from: string, to: string): Promise<void> {
  // It would be made.
  await stat(from);
  const db = open({ path: from, readOnly: true });
  try {
    // Of one transaction, without the pages that are free in it.
    await db.backup(to, true);
  } finally {
    await db.close();
  }
  await sync(to);
}

async function copyArtifacts(from: string, to: string): Promise<Backup> {
  const copied = { artifacts: 0, bytes: 0 };
  await mkdir(to, { mode: 0o700 });
  for (const shard of (await readdir(from).catch(whenMissing)) ?? []) {
    await mkdir(`${to}/${shard}`, { mode: 0o700 });
    for (const name of await readdir(`${from}/${shard}`)) {
      if (name.endsWith(DRAFT)) continue;
      const [source, copy] = [`${from}/${shard}/${name}`, `${to}/${shard}/${name}`];
      // What expires meanwhile is missing in the copy, as it would be a moment later in the store.
      const found = await stat(source).catch(whenMissing);
      if (!found || (await copyFile(source, copy, constants.COPYFILE_FICLONE).catch(whenMissing)) === null) continue;
      // Its mode, which copyFile keeps, says whether it can be made again, and its time when it was last used.
      await utimes(copy, found.atime, found.mtime);
      await sync(copy);
      copied.artifacts += 1;
      copied.bytes += found.size;
    }
    await sync(`${to}/${shard}`);
  }
  await sync(to);
  return copied;
}

/** Have a file, or the names in a folder, on disk. */
async function sync(path: string): Promise<void> {
  const opened = await openFile(path);
  await opened.sync().finally(() => opened.close());
}

function whenMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}
