/** The worker's own door: is it alive, is it ready, what has it counted. */
import type { Server } from 'node:http';
import { type Log, listenHttp } from '@runlane/core';
import express from 'express';
import type { Worker } from './worker.js';

export function startWorkerHttp(worker: Worker, where: { host: string; port: number }, log: Log): Promise<Server> {
  const app = express();
  app.disable('x-powered-by');
  app.get('/healthz', (_request, response) => void response.json({ status: 'ok' }));
  app.get('/readyz', (_request, response) => {
    const { runners, total } = worker.pool.slots();
    const ready = runners > 0 && !worker.stopping;
    response.status(ready ? 200 : 503).json({ status: ready ? 'ready' : 'not ready', runners, slots: total });
  });
  app.get('/metrics', async (_request, response) => {
    response.type(worker.metrics.contentType).send(await worker.metrics.text());
  });
  return listenHttp(app, where, log);
}
