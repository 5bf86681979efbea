/** Command and worker in one process, sharing the embedded store, queue and feed where no servers are named. */

import { COMMAND_VARIABLES, openCommandDoors } from '@runlane/command';
import { type RunnerRecord, readConfig, runService } from '@runlane/core';
import { openPorts, STORE_VARIABLES } from '@runlane/core/adapters';
import { runWorker, WORKER_VARIABLES } from '@runlane/worker';

await runService('platform', async ({ env, closer, log }) => {
  const read = readConfig(env, [...COMMAND_VARIABLES, ...WORKER_VARIABLES, ...STORE_VARIABLES, 'DATA_DIR']);
  // The worker beside it tells whether there is something to sign with.
  const config = { ...read, WEBHOOKS: read.WEBHOOK_SECRET && ('on' as const) };
  const ports = await openPorts(config, { closer, log });
  await ports.store
    .forgetRunners((address, runner) => isOfPredecessor(address, runner, config))
    .catch((error: Error) => log.warn({ reason: error.message }, 'runners of earlier starts are not forgotten'));
  // The worker has the port after command's, and any free one where command does.
  const workerPort = config.HTTP_PORT === 0 ? 0 : config.HTTP_PORT + 1;
  const { worker, httpPort: workerHttpPort } = await runWorker({
    ports,
    config: { ...config, HTTP_PORT: workerPort },
    closer,
    log,
  });
  const { command, httpPort, grpcPort } = await openCommandDoors({ ports, config, closer, log });
  await worker.ready;
  // Somebody may have asked a moment ago, when only its predecessor was known.
  command.languages.forget();
  // The supervisor waits for this line.
  process.stdout.write(`${JSON.stringify({ ready: true, httpPort, grpcPort, workerHttpPort })}\n`);
});

/** Another machine that keeps its jobs in the same server may have a runner of its own: while that is here, it is seen often. */
const SEEN_WITHIN_MS = 30_000;

/** Whether a runner was that of an earlier start: its socket was in a folder that ended with it, and comes back at no time. */
function isOfPredecessor(
  address: string,
  { seenAtMs }: RunnerRecord,
  { RUNNERS, MONGO_URL }: { readonly RUNNERS: readonly string[]; readonly MONGO_URL: string | undefined },
): boolean {
  const ofSomeStart = /^unix:.*\/runlane-start-\d+-[^/]+\/runner\//.test(address) && !RUNNERS.includes(address);
  return ofSomeStart && (MONGO_URL === undefined || Date.now() - seenAtMs > SEEN_WITHIN_MS);
}
