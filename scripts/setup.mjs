/** Brings a clone to where it can run: dependencies installed, code generated and built; each only when it is missing or stale. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const root = fileURLToPath(new URL('..', import.meta.url));
const run = promisify(execFile);

/** What decides whether a step has to be done again: the contents of these files. */
const digestOf = (paths) => {
  const hash = createHash('sha256');
  for (const path of paths.sort()) hash.update(path).update(readFileSync(`${root}/${path}`));
  return hash.digest('hex');
};

/** Every file below a folder whose name ends so, without what is installed or built. */
function filesBelow(folder, ends) {
  return readdirSync(`${root}/${folder}`, { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return ['node_modules', 'dist', 'gen'].includes(entry.name) ? [] : filesBelow(path, ends);
    return ends.some((end) => entry.name.endsWith(end)) ? [path] : [];
  });
}

const STEPS = [
  {
    name: 'Installing dependencies (once, about half a minute)',
    inputs: () => ['package-lock.json', 'package.json'],
    stamp: 'node_modules/.runlane-installed',
    // Not `npm ci`: it refuses a lock file that does not list the optional packages of every other operating system.
    work: () => run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: root }),
  },
  {
    name: 'Building (a few seconds)',
    inputs: () => [
      'package-lock.json',
      'buf.gen.yaml',
      'buf.yaml',
      'scripts/generate.mjs',
      'tsconfig.base.json',
      'tsconfig.json',
      ...filesBelow('proto', ['.proto']),
      ...filesBelow('packages', ['.ts', '.json']),
      ...filesBelow('services', ['.ts', '.json']),
      ...filesBelow('tests', ['.ts', '.json']),
    ],
    stamp: 'node_modules/.runlane-built',
    async work() {
      await run(process.execPath, ['scripts/generate.mjs'], { cwd: root });
      await run(`${root}/node_modules/.bin/tsc`, ['--build'], { cwd: root });
    },
  },
  {
    name: 'Building the playground (a few seconds)',
    inputs: () => [
      'package-lock.json',
      ...filesBelow('packages/playground', ['']),
      ...filesBelow('packages/client', ['.ts']),
      ...filesBelow('services/runners', ['runner.json']),
    ],
    stamp: 'node_modules/.runlane-playground-built',
    work: () => run('npm', ['run', 'build', '--workspace', 'packages/playground'], { cwd: root }),
  },
];

/** @throws Error that says what to do when Node is too old or a step fails. */
export async function buildWhatIsStale({ say }) {
  checkNode();
  for (const { name, inputs, stamp, work } of STEPS) {
    const digest = digestOf(inputs());
    const path = `${root}/${stamp}`;
    if (existsSync(path) && readFileSync(path, 'utf8') === digest) continue;
    say(`${name} …`);
    try {
      await work();
    } catch (error) {
      throw new Error(`${name} failed:\n${error.stderr || error.stdout || error.message}`);
    }
    writeFileSync(path, digest);
  }
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new Error(`Runlane needs Node 20.19 or newer; this is ${process.version}`);
  }
}
