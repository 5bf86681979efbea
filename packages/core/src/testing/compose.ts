/**
 * Docker Compose for tests, and images that stand in for those which docker-compose.yml takes from a registry: none is
 * needed here. An engine that runs already keeps the images that it has; nothing of its is named anew.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findDocker, findOrStart, importImage, makeImage, type TestEngine } from './docker.js';
import { NETWORK_PACKAGES } from './engine-network.js';
import { type Availability, findOnPath, installPackages, prepareAsRoot, ROOT } from './programs.js';

const run = promisify(execFile);

const SOURCE = join(ROOT, 'tests/servers/compose');
/** Settings of the command `docker` that have Compose among its plugins, and nothing of its user's. */
const DOCKER_CONFIG = join(ROOT, '.cache/docker/config');
const COMPOSE = join(DOCKER_CONFIG, 'cli-plugins/docker-compose');
/** What stand-ins are made of: a small Debian, and Node with npm. */
const FOLDER = join(ROOT, '.cache/docker/stand-ins');
const SLIM = join(FOLDER, 'slim.tar');
const NODE = join(FOLDER, 'node');
const NODE_VERSION = '22.23.5';
const NPM_VERSION = '10.9.4';
const KEPT_OF_BUILDS = '4gb';
const SLIM_IMAGE = 'runlane-test/slim:1';
/** Bash and what Node is linked with are in the real ones too. */
const SLIM_PACKAGES = ['ca-certificates', 'libstdc++6'] as const;
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';

/** It takes minutes, so it is not for every run of the tests: with `CI=true`, or where it is asked for by name. */
const composeWanted = (): boolean =>
  process.env.CI === 'true' || (process.env.RUNLANE_TESTS_NAMED ?? '').includes('compose');

/** Look, without installing or making anything. */
export function findCompose(): Availability {
  if (!composeWanted()) return { missing: 'the stack of docker-compose.yml is not tried: npm test -- compose does so' };
  for (const path of [COMPOSE, SLIM, NODE])
    if (!existsSync(path)) return { missing: `${path} is not made yet: npm test -- compose does so, as root` };
  const without = NETWORK_PACKAGES.filter((name) => !findOnPath(PROGRAMS[name]));
  if (without.length > 0) return { missing: `not installed: ${without.join(', ')}` };
  return findDocker();
}

const PROGRAMS = { slirp4netns: 'slirp4netns', iproute2: 'ip', iptables: 'iptables' } as const;

/** Build Compose, and what stand-ins are made of. */
export function prepareCompose(log: (line: string) => void): Promise<Availability> {
  const found = findCompose();
  if (!composeWanted() || 'missing' in findDocker()) return Promise.resolve(found);
  return prepareAsRoot('docker compose', NETWORK_PACKAGES, findCompose, async () => {
    if (NETWORK_PACKAGES.some((name) => !findOnPath(PROGRAMS[name]))) await installPackages(NETWORK_PACKAGES, log);
    await mkdir(FOLDER, { recursive: true });
    if (!existsSync(SLIM)) {
      log('making a base image for compose with debootstrap: this takes a minute the first time');
      await makeImage(SLIM, SLIM_PACKAGES);
    }
    if (!existsSync(NODE)) await fetchNode();
    if (!existsSync(COMPOSE)) await buildCompose(log);
  });
}

/** Node itself and npm, as packages of npm. */
async function fetchNode(): Promise<void> {
  const draft = `${NODE}.${process.pid}.draft`;
  const names = [`node-linux-${process.arch}@${NODE_VERSION}`, `npm@${NPM_VERSION}`];
  await run('npm', [
    'install',
    '--prefix',
    draft,
    '--no-save',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    ...names,
  ]);
  await rename(`${draft}/node_modules/node-linux-${process.arch}/bin/node`, `${draft}/node`);
  await rename(`${draft}/node_modules/npm`, `${draft}/npm`);
  await rm(`${draft}/node_modules`, { recursive: true });
  await copyFile(CERTIFICATES, `${draft}/certificates.crt`);
  await rename(draft, NODE);
}

async function buildCompose(log: (line: string) => void): Promise<void> {
  if (!findOnPath('go')) throw new Error('go is not installed (https://go.dev/dl/)');
  log('building docker compose with Go: this takes a few minutes the first time');
  const draft = `${COMPOSE}.${process.pid}.draft`;
  await mkdir(join(COMPOSE, '..'), { recursive: true });
  await run('go', ['build', '-trimpath', '-o', draft, 'github.com/docker/compose/v2/cmd'], { cwd: SOURCE });
  await rename(draft, COMPOSE);
}

/** An engine whose containers have networks. One of our own has every image that docker-compose.yml and its Dockerfiles name. */
export async function startComposeEngine(): Promise<TestEngine> {
  const found = findCompose();
  if ('missing' in found) throw new Error(found.missing);
  const engine = await findOrStart({ networked: true });
  if (!engine.own) return engine;
  try {
    await importImage(engine.socketPath, SLIM, SLIM_IMAGE);
    const env = dockerEnv(engine);
    // What earlier builds left, but for what makes the next one quick.
    await run('docker', ['image', 'prune', '--force'], { env });
    await run('docker', ['builder', 'prune', '--force', '--keep-storage', KEPT_OF_BUILDS], { env });
    const words = ['compose', '--file', join(ROOT, 'tests/compose/stand-ins/compose.yml'), 'build', '--quiet'];
    await run('docker', words, {
      env: { ...env, STAND_INS: FOLDER, MONGO_WIRE: join(ROOT, '.cache/bin') },
    });
    return engine;
  } catch (reason) {
    await engine.stop();
    throw reason;
  }
}

/** The environment in which `docker` and `docker compose` speak to an engine. */
export function dockerEnv({ socketPath }: TestEngine): NodeJS.ProcessEnv {
  return { ...process.env, DOCKER_HOST: `unix://${socketPath}`, DOCKER_CONFIG };
}
