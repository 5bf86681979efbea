/** A whole runner host: its sandbox, the languages found in it, and the server in front of them. */
import { chmod, chown, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Closer, createCloser, type Log } from '@runlane/core';
import { openTls, serverCredentials } from '@runlane/core/tls';
import { createArtifacts, largestArtifactBytes } from './artifacts.js';
import type { Config } from './config.js';
import { findLanguages } from './languages.js';
import { readManifests } from './manifest.js';
import { createPreludes } from './preludes.js';
import { openSandbox } from './sandboxes.js';
import { serveRunner } from './server.js';
import { createRunnerService } from './service.js';
import { createSetups } from './setups.js';
import { createSlots } from './slots.js';

const GO_TIMEOUT_MS = 5000;
const MAX_ARTIFACT_BYTES = 64 * 1024 * 1024;

export interface RunnerHost {
  readonly address: string;
  /** Resolves when the sandbox is gone and the host is of no use any more. */
  readonly lost: Promise<Error>;
  close(): Promise<void>;
}

/** Start everything. As root, this process is an unprivileged one from here on. */
export async function startRunnerHost(given: Config, log: Log): Promise<RunnerHost> {
  const closer = createCloser({ graceMs: given.graceMs, log });
  try {
    const config = await withToolchainsDir(given, closer);
    const manifests = await readManifests(config.languagesDir, config.languages);
    const sandbox = await openSandbox({ config, manifests: manifests.usable, closer, log });
    const { summary, layers, weak } = sandbox.description;
    for (const { name, detail } of layers.filter(({ holds }) => !holds))
      log.warn({ layer: name, detail }, 'layer missing');
    if (weak) log.warn({ isolation: summary }, 'isolation is weak, and was allowed to be');
    const { languagesDir, toolchainsDir: folder } = config;
    const setups = createSetups({ sandbox, languagesDir, folder });
    const languages = await findLanguages(manifests, { sandbox, languagesDir, setups, log });
    for (const { name, reason, isExpected } of languages.unavailable())
      log[isExpected ? 'info' : 'warn']({ language: name, reason }, 'language not available');
    const preludes = createPreludes({ sandbox, setups, most: config.preludes, log });
    closer.add({ name: 'preludes', close: async () => preludes.close() });
    const service = createRunnerService({
      languages,
      sandbox,
      preludes,
      artifacts: createArtifacts({ maxBytes: config.artifactCacheBytes }),
      slots: createSlots(config.slots),
      goTimeoutMs: GO_TIMEOUT_MS,
      maxArtifactBytes: Math.min(MAX_ARTIFACT_BYTES, largestArtifactBytes(config.artifactCacheBytes)),
      log,
    });
    // As the user who reads them again later.
    const tls = await openTls(config.tls, { closer, log });
    const server = await serveRunner(service, config.address, serverCredentials(tls));
    closer.add({ name: 'gRPC', close: (deadline) => server.close(deadline) });
    void sandbox.lost.then(() => server.setServing(false));
    const offered = languages.available().map(({ manifest, version }) => `${manifest.name} ${version}`);
    log.info({ address: server.address, languages: offered, slots: config.slots, isolation: summary }, 'runner serves');
    return { address: server.address, lost: sandbox.lost, close: closer.close };
  } catch (reason) {
    await closer.close();
    throw reason;
  }
}

/** What is made for toolchains is thrown away with the host, unless somebody has named a folder for it. */
async function withToolchainsDir(config: Config, closer: Closer): Promise<Config> {
  // A jail that somebody else started shows what that one was given, who has made it too.
  if (config.jailSocket) return config;
  const toolchainsDir = config.toolchainsDir ? resolve(config.toolchainsDir) : await makeTemporary(config, closer);
  await mkdir(toolchainsDir, { recursive: true, mode: 0o755 }).catch((cause: Error) => {
    throw new Error(`TOOLCHAINS_DIR="${toolchainsDir}" cannot be made: ${cause.message}`, { cause });
  });
  // We are another user soon.
  if (process.getuid?.() === 0) await chown(toolchainsDir, config.uid, config.uid);
  return { ...config, toolchainsDir };
}

async function makeTemporary({ runDir }: Config, closer: Closer): Promise<string> {
  await mkdir(runDir, { recursive: true });
  const folder = await mkdtemp(join(runDir, 'runlane-toolchains-'));
  closer.add({ name: 'toolchains', close: () => rm(folder, { recursive: true, force: true }) });
  // The jail is another user where this process is root, and shows it to programs.
  await chmod(folder, 0o755);
  return folder;
}
