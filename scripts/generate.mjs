/** Writes all that is generated: stubs and descriptors from `proto/`. Run by `npm run generate`, and by the first `npm start`. */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const buf = (...args) => execFileSync(`${root}/node_modules/.bin/buf`, args, { cwd: root, stdio: 'inherit' });

mkdirSync(`${root}/packages/contract/gen`, { recursive: true });
buf('generate');
buf('build', '-o', 'packages/contract/gen/runlane.binpb');
// The standard health service, whose contract its package brings: reflection lists it too.
buf('build', 'node_modules/grpc-health-check/proto', '-o', 'packages/contract/gen/health.binpb');
