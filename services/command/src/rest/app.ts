/** Everything that command serves over HTTP, in the order in which a request meets it. */

import type { Log } from '@runlane/core';
import { createErrorHandler, createGuard, notFound } from '@runlane/http';
import express, { type Express, type Router } from 'express';
import helmet from 'helmet';
import type { Command } from '../command.js';
import { createBatchRoutes } from './batches.js';
import { createDocs } from './docs.js';
import { createRoutes } from './routes.js';

export interface AppOptions {
  readonly command: Command;
  readonly board: Router;
  readonly allowedHosts: readonly string[];
  /** Aborts when the server stops. */
  readonly closing: AbortSignal;
  readonly log: Log;
}

export function createApp({ command, board, allowedHosts, closing, log }: AppOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  // Only text: an operator such as `jobId[$ne]=x` stays a name that no schema knows.
  app.set('query parser', 'simple');
  app.set('etag', false);
  app.use(createGuard(allowedHosts));
  app.use(
    helmet({
      // Nothing from elsewhere. The board links a font of another site and has styles of its own in the page: the font stays out.
      contentSecurityPolicy: {
        directives: {
          defaultSrc: ["'self'"],
          styleSrc: ["'self'", "'unsafe-inline'"],
          fontSrc: ["'self'"],
          imgSrc: ["'self'", 'data:'],
          upgradeInsecureRequests: null,
        },
      },
      // For a TLS proxy in front to say: this server itself speaks plain HTTP.
      strictTransportSecurity: false,
    }),
  );
  app.get('/healthz', (_request, response) => void response.json({ status: 'ok' }));
  app.get('/readyz', async (_request, response) => {
    const { ready, checks } = await command.readiness();
    response.status(ready ? 200 : 503).json({ status: ready ? 'ready' : 'not ready', checks });
  });
  app.use((_request, response, next) => {
    // Jobs are their owner's and change: no cache keeps them.
    response.set('Cache-Control', 'no-store');
    next();
  });
  app.use(createDocs(command.version));
  app.use('/admin/queues', board);
  app.use(createRoutes(command, closing, log));
  app.use(createBatchRoutes(command, closing));
  app.use(notFound);
  app.use(createErrorHandler(log));
  return app;
}
