/** Starts a worker and its own HTTP door. */
import type { Closer, Log } from '@runlane/core';
import type { OpenPorts } from '@runlane/core/adapters';
import { channelCredentials, openTls, runnerTlsFiles } from '@runlane/core/tls';
import { CALLBACK_VARIABLES } from './callback/stage.js';
import { startWorkerHttp } from './http.js';
import { createWorker, type Worker, type WorkerOptions } from './worker.js';

export const WORKER_VARIABLES = [
  'HTTP_PORT',
  'HOST',
  'ALLOWED_HOSTS',
  'RUNNERS',
  'RUNNER_TLS_CERT',
  'RUNNER_TLS_KEY',
  'RUNNER_TLS_CA',
  'LEASE_SECONDS',
  'WORKER_CONCURRENCY',
  'RECONCILE_SECONDS',
  'RETENTION_HOURS',
  'ARTIFACT_STORE_MB',
  ...CALLBACK_VARIABLES,
] as const;

export interface RunWorkerOptions {
  readonly ports: OpenPorts;
  readonly config: WorkerOptions['config'] & {
    readonly HTTP_PORT: number;
    readonly HOST: string;
    readonly ALLOWED_HOSTS: readonly string[];
    readonly RUNNER_TLS_CERT: string | undefined;
    readonly RUNNER_TLS_KEY: string | undefined;
    readonly RUNNER_TLS_CA: string | undefined;
  };
  readonly closer: Closer;
  readonly log: Log;
}

/** The worker, and the port of its HTTP door. @throws Error that names the address when it cannot be listened on, or a file of TLS. */
export async function runWorker({
  ports,
  config,
  closer,
  log,
}: RunWorkerOptions): Promise<{ worker: Worker; httpPort: number }> {
  const { openQueue, ...others } = ports;
  const tls = await openTls(runnerTlsFiles(config), { closer, log });
  const runnerCredentials = channelCredentials(tls);
  const worker = createWorker({ ...others, queue: openQueue.queue, log, runnerCredentials, config });
  closer.add({ name: 'worker', close: (_deadline, leftMs) => worker.close(leftMs) });
  const where = { host: config.HOST, port: config.HTTP_PORT };
  const http = await startWorkerHttp({ worker, where, allowedHosts: config.ALLOWED_HOSTS, log });
  closer.add({ name: 'worker http', close: http.close });
  return { worker, httpPort: http.port };
}
