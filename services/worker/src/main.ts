/** A worker by itself: the distributed form, with MongoDB and Redis. */
import { readConfig, runService } from '@runlane/core';
import { openDistributedPorts, STORE_VARIABLES } from '@runlane/core/adapters';
import { runWorker, WORKER_VARIABLES } from './run-worker.js';

await runService('worker', async ({ env, closer, log }) => {
  const config = readConfig(env, [...WORKER_VARIABLES, ...STORE_VARIABLES], { HTTP_PORT: '3001' });
  const ports = await openDistributedPorts(config, { closer, log });
  const { httpPort } = await runWorker({ ports, config, closer, log });
  log.info({ httpPort }, 'worker is listening');
});
