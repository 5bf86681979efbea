/** The command service by itself: the distributed form, with MongoDB and Redis. */
import { readConfig, runService } from '@runlane/core';
import { openDistributedPorts, STORE_VARIABLES } from '@runlane/core/adapters';
import { COMMAND_VARIABLES, openCommandDoors } from './doors.js';

await runService('command', async ({ env, closer, log }) => {
  const config = readConfig(env, [...COMMAND_VARIABLES, ...STORE_VARIABLES]);
  const ports = await openDistributedPorts(config, { closer, log });
  const { httpPort, grpcPort } = await openCommandDoors({ ports, config, closer, log });
  log.info({ httpPort, grpcPort }, 'command is listening');
});
