/** The files that a program left, saved here. */

import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Client, Job } from '@runlane/client';
import { note } from './server.js';

/** Without a folder it only says what there is. */
export async function saveFiles(client: Client, { id, result }: Job, folder: string | undefined): Promise<void> {
  const files = result?.files ?? [];
  if (folder === undefined) {
    if (files.length > 0) note(`it left ${files.map(({ path }) => path).join(', ')}; --out FOLDER saves them`);
    return;
  }
  for (const { path } of files) {
    const target = join(folder, path);
    // The server never gives such a path; one that is not ours might.
    if (relative(folder, target).split(sep)[0] === '..') continue;
    await mkdir(dirname(target), { recursive: true });
    const { body } = await client.file(id, path);
    if (body) await pipeline(body, createWriteStream(target));
    else await writeFile(target, '');
  }
  if (result?.filesOmitted) note(`${result.filesOmitted} more files were beyond the limits`);
}
