/** Command and worker in one process, sharing the embedded store, queue and feed where no servers are named. */

import { COMMAND_VARIABLES, openCommandDoors } from '@runlane/command';
import { readConfig, runService } from '@runlane/core';
import { openPorts, STORE_VARIABLES } from '@runlane/core/adapters';
import { runWorker, WORKER_VARIABLES } from '@runlane/worker';

await runService('platform', async ({ env, closer, log }) => {
  const config = readConfig(env, [...COMMAND_VARIABLES, ...WORKER_VARIABLES, ...STORE_VARIABLES, 'DATA_DIR']);
  const ports = await openPorts(config, { closer, log });
  // The worker has the port after command's, and any free one where command does.
  const workerPort = config.HTTP_PORT === 0 ? 0 : config.HTTP_PORT + 1;
  const { worker, httpPort: workerHttpPort } = await runWorker({
    ports,
    config: { ...config, HTTP_PORT: workerPort },
    closer,
    log,
  });
  const { httpPort, grpcPort } = await openCommandDoors({ ports, config, closer, log });
  await worker.ready;
  // The supervisor waits for this line.
  process.stdout.write(`${JSON.stringify({ ready: true, httpPort, grpcPort, workerHttpPort })}\n`);
});
