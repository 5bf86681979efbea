/** A runner host: the process that offers languages to workers. */
import { runService } from '@runlane/core';
import { readRunnerConfig } from './config.js';
import { startRunnerHost } from './host.js';

await runService('runner', async ({ env, closer, log }) => {
  const host = await startRunnerHost(readRunnerConfig(env), log);
  let closing = false;
  closer.add({
    name: 'host',
    close() {
      closing = true;
      return host.close();
    },
  });
  void host.lost.then((reason) => {
    // Nobody catches it on purpose: without its sandbox this process is of no use, and ends with an error.
    if (!closing) throw reason;
  });
});
