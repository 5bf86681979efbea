/** Files that programs left: found by the job's result, read from where their bytes are kept. */
import { RunlaneError } from '@runlane/contract';
import { type ArtifactStore, isOver, type JobId, type OwnerId, type ProducedFile } from '@runlane/core';
import type { Jobs } from './jobs.js';

export interface Files {
  /** What the result says of a file. @throws RunlaneError `JOB_NOT_FOUND` · `JOB_NOT_ENDED` · `NOT_FOUND` */
  find(ownerId: OwnerId, id: JobId, path: string): Promise<ProducedFile>;
  /** @throws RunlaneError `FILE_GONE` */
  read(file: ProducedFile): Promise<Uint8Array>;
}

export interface FilesDependencies {
  readonly jobs: Jobs;
  readonly artifacts: Pick<ArtifactStore, 'get'>;
}

export function createFiles({ jobs, artifacts }: FilesDependencies): Files {
  return {
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

    async read({ sha256 }) {
      const bytes = await artifacts.get(sha256);
      if (bytes) return bytes;
      const reason = 'its bytes are no longer kept, or were damaged; run the program again to have them';
      throw new RunlaneError('FILE_GONE', `path: ${reason}`, { fields: [{ field: 'path', reason }] });
    },
  };
}
