/** Files that programs left: found by the job's result, read from where their bytes are kept. */
import { RunlaneError } from '@runlane/contract';
import { type ArtifactStore, DamagedError, isOver, type JobId, type OwnerId, type ProducedFile } from '@runlane/core';
import type { Jobs } from './jobs.js';

export interface Files {
  /** What the result says of a file. @throws RunlaneError `JOB_NOT_FOUND` · `JOB_NOT_ENDED` · `NOT_FOUND` */
  find(ownerId: OwnerId, id: JobId, path: string): Promise<ProducedFile>;
  /**
   * The bytes, read as they are taken. Bytes that are damaged break off before their end.
   * @throws RunlaneError `TOO_MANY_DOWNLOADS` · `FILE_GONE`
   */
  read(file: ProducedFile): AsyncIterable<Uint8Array>;
  /** A reader that takes longer than this for a piece, in milliseconds, is to be cut off: others wait for its place. */
  readonly takeWithinMs: number;
}

export interface FilesDependencies {
  readonly jobs: Jobs;
  readonly artifacts: Pick<ArtifactStore, 'open'>;
  /** Files that are read at once. */
  readonly maxDownloads: number;
  readonly takeWithinMs: number;
}

export function createFiles({ jobs, artifacts, maxDownloads, takeWithinMs }: FilesDependencies): Files {
  let downloads = 0;

  return {
    takeWithinMs,
    async find(ownerId, id, path) {
      const view = await jobs.get(ownerId, id);
      if (!isOver(view)) {
        const message = `the job is ${view.status}: its files can be read once it has ended; follow it, or ask again later`;
        throw new RunlaneError('JOB_NOT_ENDED', message);
      }
      const file = view.result.files?.find((each) => each.path === path);
      if (file) return file;
      const reason = `the job left no file ${JSON.stringify(path.slice(0, 200))}; the result's "files" lists those that there are`;
      throw new RunlaneError('NOT_FOUND', `path: ${reason}`, { fields: [{ field: 'path', reason }] });
    },

    async *read({ sha256, sizeBytes }) {
      if (downloads >= maxDownloads) {
        const message = `${downloads} files are being read already, and no more are at once; ask again in a moment`;
        throw new RunlaneError('TOO_MANY_DOWNLOADS', message);
      }
      downloads += 1;
      try {
        const opened = await artifacts.open(sha256);
        if (opened?.sizeBytes !== sizeBytes) throw fileGone();
        yield* opened.pieces;
      } catch (error) {
        throw error instanceof DamagedError ? fileGone() : error;
      } finally {
        downloads -= 1;
      }
    },
  };
}

function fileGone(): RunlaneError {
  const reason = 'its bytes are no longer kept, or were damaged; run the program again to have them';
  return new RunlaneError('FILE_GONE', `path: ${reason}`, { fields: [{ field: 'path', reason }] });
}
