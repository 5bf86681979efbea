/** The compiled contract, for what needs it while running: server reflection. */
import { readFileSync } from 'node:fs';
import { loadFileDescriptorSetFromBuffer, loadSync, type PackageDefinition } from '@grpc/proto-loader';
import { protoPath as healthProtoPath } from 'grpc-health-check';

/** The services of `proto/` and the standard health service. */
export function loadDescriptors(): PackageDefinition {
  const image = readFileSync(new URL('../gen/runlane.binpb', import.meta.url));
  return { ...loadFileDescriptorSetFromBuffer(image), ...loadSync(healthProtoPath) };
}
