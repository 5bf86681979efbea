/** Programs in Go that tests need: built with Go into .cache/bin where they are missing, or older than their sources here. */
import { execFile } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Availability, findOnPath, ROOT } from './programs.js';

const run = promisify(execFile);

const BIN = join(ROOT, '.cache/bin');

/** Each is a folder here, with a `go.mod`; or somebody's module at a version, whose last part names the program. */
type Source = { readonly folder: string } | { readonly module: string };

const GO_TOOLS = {
  'mongo-wire': { folder: join(ROOT, 'tests/servers/mongo-wire') },
  grpcurl: { module: 'github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3' },
  k6: { module: 'go.k6.io/k6@v1.8.1' },
} as const satisfies Record<string, Source>;

export type GoTool = keyof typeof GO_TOOLS;

/** Look, without building anything. */
export function findGoTool(name: GoTool): Availability {
  const path = join(BIN, name);
  const built = statSync(path, { throwIfNoEntry: false });
  return built ? { path } : { missing: `${path} is not built yet: npm test does so` };
}

/** Build it where that is to be done; once done, this costs nothing. */
export async function prepareGoTool(name: GoTool, log: (line: string) => void): Promise<Availability> {
  const source: Source = GO_TOOLS[name];
  const found = findGoTool(name);
  if ('path' in found && isNewerThan(found.path, source)) return found;
  // One of older sources is better than none.
  if (!findOnPath('go'))
    return 'path' in found ? found : { missing: `${name} cannot be built: go is not installed (https://go.dev/dl/)` };
  log(`building ${name} with Go: this takes minutes the first time`);
  const draft = join(BIN, `draft-${process.pid}`);
  try {
    await mkdir(draft, { recursive: true });
    if ('folder' in source) await run('go', ['build', '-o', join(draft, name), '.'], { cwd: source.folder });
    else await run('go', ['install', source.module], { env: { ...process.env, GOBIN: draft } });
    await rename(join(draft, name), join(BIN, name));
  } catch (error) {
    return { missing: `${name} could not be built: ${(error as Error).message}` };
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return findGoTool(name);
}

/** A module's version is in its name, which is not asked of the program. */
function isNewerThan(path: string, source: Source): boolean {
  if ('module' in source) return true;
  const changedAtMs = readdirSync(source.folder).map((file) => statSync(join(source.folder, file)).mtimeMs);
  return statSync(path).mtimeMs >= Math.max(...changedAtMs);
}
