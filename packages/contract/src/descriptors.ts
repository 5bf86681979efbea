/**
 * The compiled contract, for what needs it while running: server reflection. As buf compiled it, byte for byte: a round
 * trip through proto-loader's own objects mistakes some messages for map entries, and clients then refuse them.
 */
import { readFileSync } from 'node:fs';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import type { PackageDefinition } from '@grpc/proto-loader';

/** `file` of a `FileDescriptorSet`: field 1, length-delimited. */
const FILE_TAG = 1;

function filesOf(image: string): Buffer[] {
  const reader = new BinaryReader(readFileSync(new URL(`../gen/${image}`, import.meta.url)));
  const files: Buffer[] = [];
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === FILE_TAG) files.push(Buffer.from(reader.bytes()));
    else reader.skip(wireType);
  }
  return files;
}

/** The services of `proto/` and the standard health service, as the reflection service takes them. */
export function loadDescriptors(): PackageDefinition {
  const fileDescriptorProtos = [...filesOf('runlane.binpb'), ...filesOf('health.binpb')];
  // It reads these bytes of a definition and nothing else.
  return { runlane: { fileDescriptorProtos } } as unknown as PackageDefinition;
}
