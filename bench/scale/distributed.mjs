/** The distributed form for a benchmark, with as many workers as are wanted just now; and what its processes cost. */
import { join } from 'node:path';
import { commandOf, cpuOf, endWithThisProcess, family } from '../platform.mjs';

export async function startDistributed(folder, { workerEnv = {}, runnerEnv = {}, env = {} } = {}) {
  const { startMongoWire, startRedis } = await import('../../packages/core/dist/testing/index.js');
  const { startProcess, stopProcess } = await import('../../tests/dist/system/platforms.js');
  const redis = await startRedis({ dir: join(folder, 'redis') });
  const mongo = await startMongoWire({ dir: join(folder, 'mongo') });
  const common = {
    MONGO_URL: `${mongo.url}/runlane`,
    REDIS_URL: redis.url,
    LOG_LEVEL: 'info',
    HTTP_PORT: '0',
    GRPC_PORT: '0',
    ...env,
  };
  const start = async (script, said, more) => {
    const started = await startProcess(script, { ...common, ...more }, ({ msg }) => msg === said);
    endWithThisProcess(started.process);
    return started;
  };
  const runner = await start('services/runners/host/dist/main.js', 'runner serves', {
    RUNNER_ADDRESS: '127.0.0.1:0',
    ...runnerEnv,
  });
  const startWorker = () =>
    start('services/worker/dist/main.js', 'worker is listening', { RUNNERS: runner.said.address, ...workerEnv });
  const workers = [await startWorker()];
  const command = await start('services/command/dist/main.js', 'command is listening');

  return {
    httpPort: command.said.httpPort,
    async setWorkers(count) {
      while (workers.length > count) await stopProcess(workers.pop());
      while (workers.length < count) workers.push(await startWorker());
    },
    /** Processor time that each kind of process has used so far, in milliseconds. */
    cpuMs() {
      const below = family(process.pid);
      const named = (words) => below.filter((pid) => commandOf(pid).includes(words));
      const ofRunner = family(runner.process.pid);
      return {
        command: cpuOf([command.process.pid]),
        worker: cpuOf(workers.map((each) => each.process.pid)),
        runner: cpuOf([runner.process.pid]),
        jail: cpuOf(ofRunner.filter((pid) => pid !== runner.process.pid)),
        redis: cpuOf(named(`redis-server 127.0.0.1:${redis.port}`)),
        store: cpuOf(named(`mongo-wire 127.0.0.1:${mongo.port}`)),
      };
    },
    async stop() {
      for (const each of [command, ...workers, runner]) await stopProcess(each);
      await mongo.stop();
      await redis.stop();
    },
  };
}
