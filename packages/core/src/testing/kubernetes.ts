/**
 * What checks manifests without a cluster: kustomize, kubeconform, and the schemas that it goes by. Kubernetes' own are in a
 * Python package, KEDA's in its Go module; nothing is fetched once they are here.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { type Availability, findOnPath, ROOT } from './programs.js';

const run = promisify(execFile);

const FOLDER = join(ROOT, '.cache/kubernetes');
const TOOLS = [
  'sigs.k8s.io/kustomize/kustomize/v5@v5.8.1',
  'github.com/yannh/kubeconform/cmd/kubeconform@v0.7.0',
] as const;
const SCHEMAS = { package: 'kubernetes-validate==1.37.0', version: 'v1.36.0-local-strict' } as const;
const KEDA = 'github.com/kedacore/keda/v2@v2.21.0';

/** Its folder holds the two programs and `schemas`. */
export function findKubernetesTools(): Availability {
  const parts = ['kustomize', 'kubeconform', 'schemas'].map((name) => join(FOLDER, name));
  if (parts.every(existsSync)) return { path: FOLDER };
  return { missing: 'kustomize, kubeconform and their schemas are not here: npm test fetches them' };
}

export async function prepareKubernetesTools(log: (line: string) => void): Promise<Availability> {
  const found = findKubernetesTools();
  if ('path' in found) return found;
  for (const program of ['go', 'python3'])
    if (!findOnPath(program)) return { missing: `${found.missing}, which takes ${program}` };
  log('fetching kustomize, kubeconform and the schemas of Kubernetes: this takes a few minutes the first time');
  const draft = await mkdtemp(join(tmpdir(), 'runlane-kubernetes-'));
  try {
    await mkdir(FOLDER, { recursive: true });
    for (const tool of TOOLS) await run('go', ['install', tool], { env: { ...process.env, GOBIN: FOLDER } });
    // In the cache's own file system, so that they are there whole or not at all.
    const schemas = `${FOLDER}/schemas.${process.pid}.draft`;
    await mkdir(schemas, { recursive: true });
    await writeKubernetesSchemas(draft, schemas);
    await writeKedaSchema(schemas);
    await rename(schemas, `${FOLDER}/schemas`);
  } catch (error) {
    return { missing: `the tools for Kubernetes could not be made ready: ${(error as Error).message}` };
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return findKubernetesTools();
}

async function writeKubernetesSchemas(draft: string, target: string): Promise<void> {
  const words = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', draft, SCHEMAS.package];
  await run('python3', words);
  const source = join(draft, 'kubernetes_validate/kubernetes-json-schema', SCHEMAS.version);
  for (const name of await readdir(source)) {
    const { $id: _, ...schema } = JSON.parse(await readFile(join(source, name), 'utf8'));
    // They name each other by addresses that nobody serves.
    await writeFile(join(target, name), JSON.stringify(schema).replaceAll('"/api/_definitions', '"_definitions'));
  }
}

async function writeKedaSchema(target: string): Promise<void> {
  const { stdout } = await run('go', ['mod', 'download', '-json', KEDA], { cwd: tmpdir() });
  const { Dir } = JSON.parse(stdout) as { Dir: string };
  const { spec } = parse(await readFile(join(Dir, 'config/crd/bases/keda.sh_scaledobjects.yaml'), 'utf8'));
  for (const { name, schema } of spec.versions)
    await writeFile(join(target, `scaledobject-keda-${name}.json`), JSON.stringify(closed(schema.openAPIV3Schema)));
}

/** The schema of a custom resource, which takes no field that it does not list, as `kubectl` does. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  const isOpen = copy.additionalProperties !== undefined || copy['x-kubernetes-preserve-unknown-fields'] === true;
  return copy.type === 'object' && copy.properties && !isOpen ? { ...copy, additionalProperties: false } : copy;
}
