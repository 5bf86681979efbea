/**
 * Command by itself over the embedded store, with queues in Redis: what accepting costs when nobody else has the processor. Its
 * store has seen a runner before; that is away, and jobs wait for it.
 */

import { openPorts, STORE_VARIABLES } from '../../packages/core/dist/adapters/index.js';
import { readConfig, runService } from '../../packages/core/dist/index.js';
import { COMMAND_VARIABLES, openCommandDoors } from '../../services/command/dist/doors.js';

await runService('command', async ({ env, closer, log }) => {
  const config = readConfig(env, [...COMMAND_VARIABLES, ...STORE_VARIABLES, 'DATA_DIR']);
  const ports = await openPorts(config, { closer, log });
  const { httpPort } = await openCommandDoors({ ports, config, closer, log });
  log.info({ httpPort }, 'command is listening');
});
