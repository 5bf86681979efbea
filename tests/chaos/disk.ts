/** A small disk of its own for one runner, which can be filled to the last byte. Only root can make one. */
import { execFile } from 'node:child_process';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface SmallDisk {
  readonly path: string;
  /** Resolves with the number of bytes that it took until the system said that no space is left. */
  fill(): Promise<number>;
  empty(): Promise<void>;
  remove(): Promise<void>;
}

const CHUNK = Buffer.alloc(64 * 1024, 1);

export async function createSmallDisk(path: string): Promise<SmallDisk | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  await mkdir(path);
  await run('mount', ['-t', 'tmpfs', '-o', 'size=2m,mode=1777', 'tmpfs', path]);
  const ballast = join(path, 'ballast');
  return {
    path,
    async fill() {
      const file = await open(ballast, 'w');
      let writtenBytes = 0;
      try {
        for (let chunk = CHUNK; ; ) {
          try {
            writtenBytes += (await file.write(chunk)).bytesWritten;
          } catch (error) {
            if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
            if (chunk.length === 1) return writtenBytes;
            chunk = CHUNK.subarray(0, 1);
          }
        }
      } finally {
        await file.close();
      }
    },
    empty: () => rm(ballast, { force: true }),
    async remove() {
      await run('umount', ['-l', path]);
    },
  };
}
