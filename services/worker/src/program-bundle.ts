/** A program's sources as one value with one digest. */
import { runner } from '@runlane/contract';
import type { SourceFile } from '@runlane/core';

/** The bytes of a `Bundle`: the same files give the same bytes, in whatever order they come. */
export function bundleOf(files: readonly SourceFile[]): Uint8Array {
  const sorted = files.toSorted((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
  return runner.Bundle.encode({
    files: sorted.map(({ path, content }) => ({ path, content: Buffer.from(content), executable: false })),
  }).finish();
}
