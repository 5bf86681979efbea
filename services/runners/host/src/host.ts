/** A whole runner host: its sandbox, the languages found in it, and the server in front of them. */
import { createCloser, type Log } from '@runlane/core';
import { createArtifacts } from './artifacts.js';
import type { Config } from './config.js';
import { findLanguages } from './languages.js';
import { readManifests } from './manifest.js';
import { openSandbox } from './sandboxes.js';
import { serveRunner } from './server.js';
import { createRunnerService } from './service.js';
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
export async function startRunnerHost(config: Config, log: Log): Promise<RunnerHost> {
  const closer = createCloser({ graceMs: config.graceMs, log });
  try {
    const manifests = await readManifests(config.languagesDir, config.languages);
    const sandbox = await openSandbox({ config, manifests, closer, log });
    const { summary, layers, weak } = sandbox.description;
    for (const { name, detail } of layers.filter(({ holds }) => !holds))
      log.warn({ layer: name, detail }, 'layer missing');
    if (weak) log.warn({ isolation: summary }, 'isolation is weak, and was allowed to be');
    const languages = await findLanguages(manifests, sandbox, log);
    if (languages.length === 0)
      throw new Error(`no language in ${config.languagesDir} has a working tool on this machine`);
    const service = createRunnerService({
      languages,
      sandbox,
      artifacts: createArtifacts({ maxBytes: config.artifactCacheBytes }),
      slots: createSlots(config.slots),
      goTimeoutMs: GO_TIMEOUT_MS,
      maxArtifactBytes: Math.min(MAX_ARTIFACT_BYTES, config.artifactCacheBytes),
      log,
    });
    const server = await serveRunner(service, config.address);
    closer.add({ name: 'gRPC', close: (deadline) => server.close(deadline) });
    void sandbox.lost.then(() => server.setServing(false));
    const offered = languages.map(({ manifest, version }) => `${manifest.name} ${version}`);
    log.info({ address: server.address, languages: offered, slots: config.slots, isolation: summary }, 'runner serves');
    return { address: server.address, lost: sandbox.lost, close: closer.close };
  } catch (reason) {
    await closer.close();
    throw reason;
  }
}
