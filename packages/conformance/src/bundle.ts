/** Files as the one value with one digest that the contract calls a Bundle. */
import { createHash } from 'node:crypto';
import { runner } from '@runlane/contract';

/** The same files give the same bytes, in whatever order they come. */
export function bundleOf(files: Readonly<Record<string, string | Uint8Array>>): Buffer {
  const list = Object.entries(files).map(([path, content]) => ({
    path,
    content: Buffer.from(content),
    executable: false,
  }));
  return encodeBundle(list);
}

export function encodeBundle(files: readonly runner.BundleFile[]): Buffer {
  const sorted = files.toSorted((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
  return Buffer.from(runner.Bundle.encode({ files: sorted }).finish());
}

export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
