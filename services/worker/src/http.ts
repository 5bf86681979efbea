/** The worker's own door: is it alive, is it ready, what has it counted. */

import type { Log } from '@runlane/core';
import { createErrorHandler, createGuard, type HttpDoor, listenHttp, notFound } from '@runlane/http';
import express from 'express';
import type { Worker } from './worker.js';

export interface WorkerHttpOptions {
  readonly worker: Worker;
  readonly where: { readonly host: string; readonly port: number };
  readonly allowedHosts: readonly string[];
  readonly log: Log;
}

export function startWorkerHttp({ worker, where, allowedHosts, log }: WorkerHttpOptions): Promise<HttpDoor> {
  const app = express();
  app.disable('x-powered-by');
  app.use(createGuard({ allowedHosts }));
  app.get('/healthz', (_request, response) => void response.json({ status: 'ok' }));
  app.get('/readyz', (_request, response) => {
    const { runners, total } = worker.pool.slots();
    const ready = runners > 0 && !worker.stopping;
    response.status(ready ? 200 : 503).json({ status: ready ? 'ready' : 'not ready', runners, slots: total });
  });
  app.get('/metrics', async (_request, response) => {
    response.type(worker.metrics.contentType).send(await worker.metrics.text());
  });
  app.use(notFound('a worker has /healthz, /readyz and /metrics'));
  app.use(createErrorHandler(log));
  return listenHttp(app, where);
}
