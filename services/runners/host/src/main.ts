/** Starts a runner host from the environment, and stops it on SIGTERM or SIGINT. */
import { createLog } from '@runlane/core';
import { readConfig } from './config.js';
import { startRunnerHost } from './host.js';

const config = readConfig(process.env);
const log = createLog('runner', config.logLevel);

try {
  const host = await startRunnerHost(config, log);
  let stopping = false;
  const stop = async (code: number) => {
    stopping = true;
    await host.close();
    process.exit(code);
  };
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.once(name, () => {
      log.info({ signal: name }, 'runner stops');
      void stop(0);
    });
  }
  const reason = await host.lost;
  if (!stopping) {
    log.fatal({ err: reason }, 'the sandbox is gone');
    await stop(1);
  }
} catch (reason) {
  log.fatal({ err: reason }, 'the runner cannot start');
  process.exitCode = 1;
}
