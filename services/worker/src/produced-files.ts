/**
 * Files that a program left, as its runner sends them. A worker does not trust a runner: it counts files and bytes itself and
 * looks at every path. What is not as it should be is left out and counted; no run fails for it.
 */
import { extname } from 'node:path';
import { PRODUCED_BYTES, PRODUCED_FILES, pathProblem } from '@runlane/contract';
import type { ArtifactStore, ProducedFile, Result } from '@runlane/core';
import { contentType } from 'mime-types';

interface CollectedFile {
  readonly path: string;
  readonly bytes: Buffer;
}

export interface ProducedFiles {
  /** A part of a file, which is copied; parts of one file follow each other. */
  add(path: string, data: Uint8Array): void;
  /** What was collected, in the byte order of paths. */
  files(): CollectedFile[];
  /** How many were left out. */
  omitted(): number;
}

interface OpenFile {
  readonly path: string;
  /** Its first `bytes` are the file's: parts are copied together, as each by itself would cost more than it holds. */
  buffer: Buffer;
  bytes: number;
  kept: boolean;
}

const NOTHING = Buffer.alloc(0);

interface ProducedLimits {
  readonly producedFiles?: number | undefined;
  readonly producedBytes?: number | undefined;
}

/** Beyond these limits of the run nothing is kept, nor beyond the platform's own. */
export function createProducedFiles({ producedFiles, producedBytes }: ProducedLimits): ProducedFiles {
  const mostFiles = Math.min(producedFiles ?? PRODUCED_FILES.usual, PRODUCED_FILES.most);
  const mostBytes = Math.min(producedBytes ?? PRODUCED_BYTES.usual, PRODUCED_BYTES.most);
  const kept = new Map<string, OpenFile>();
  let current: OpenFile | undefined;
  let bytes = 0;
  let omitted = 0;

  function open(path: string): OpenFile {
    const wrong = kept.size >= mostFiles || kept.has(path) || pathProblem(path) !== undefined;
    const file: OpenFile = { path, buffer: NOTHING, bytes: 0, kept: !wrong };
    if (wrong) omitted += 1;
    else kept.set(path, file);
    return file;
  }

  /** Half a file is none: its room is another's. */
  function leaveOut(file: OpenFile): void {
    file.kept = false;
    file.buffer = NOTHING;
    kept.delete(file.path);
    bytes -= file.bytes;
    omitted += 1;
  }

  return {
    add(path, data) {
      if (current?.path !== path) current = open(path);
      if (!current.kept) return;
      if (bytes + data.length > mostBytes) return leaveOut(current);
      append(current, data);
      bytes += data.length;
    },
    files: () =>
      [...kept.values()]
        .map((file) => ({ path: file.path, bytes: file.buffer.subarray(0, file.bytes) }))
        .sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path))),
    omitted: () => omitted,
  };
}

function append(file: OpenFile, data: Uint8Array): void {
  const needed = file.bytes + data.length;
  if (needed > file.buffer.length) {
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * file.buffer.length));
    file.buffer.copy(larger, 0, 0, file.bytes);
    file.buffer = larger;
  }
  file.buffer.set(data, file.bytes);
  file.bytes = needed;
}

/** Keep the files, and give what a result says of them. One after the other: many at once would crowd out other jobs. */
export async function keepFiles(
  produced: ProducedFiles,
  put: (bytes: Uint8Array) => ReturnType<ArtifactStore['put']>,
): Promise<Pick<Result, 'files'>> {
  const files: ProducedFile[] = [];
  for (const { path, bytes } of produced.files()) {
    files.push({ path, sizeBytes: bytes.length, contentType: contentTypeOf(path), sha256: await put(bytes) });
  }
  return files.length > 0 ? { files } : {};
}

/** By the name alone: what is in the bytes is the program's word, and may be meant to mislead. */
function contentTypeOf(path: string): string {
  return contentType(extname(path)) || 'application/octet-stream';
}
