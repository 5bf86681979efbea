/** Everything that command serves over HTTP, in the order in which a request meets it. */

import { MAX_INPUT_BYTES } from '@runlane/contract';
import type { Log } from '@runlane/core';
import { createErrorHandler, createGuard, methodNotAllowed, notFound } from '@runlane/http';
import express, { type Express, type RequestHandler, type Router } from 'express';
import helmet from 'helmet';
import { createAdminRoutes } from '../admin/routes.js';
import type { Command } from '../command.js';
import { isLoopback } from '../openness.js';
import { createPistonRoutes, PISTON_PREFIXES } from '../piston/routes.js';
import { createAuthenticate } from './authenticate.js';
import { createBatchRoutes } from './batches.js';
import { MAX_PROGRAM_BYTES } from './body.js';
import { createDocs } from './docs.js';
import { isForEmbedding } from './embedding.js';
import { createKeyRoutes } from './keys.js';
import { createMeasure } from './measure.js';
import { createPlayground, EMBED_SCRIPT } from './playground.js';
import { createRoutes } from './routes.js';
import { createWebSockets } from './web-socket.js';

export interface AppOptions {
  readonly command: Command;
  readonly board: Router;
  readonly allowedHosts: readonly string[];
  readonly corsOrigins: readonly string[];
  readonly embedOrigins: readonly string[];
  /** It is served over TLS. */
  readonly isSecure: boolean;
  /** Aborts when the server stops. */
  readonly closing: AbortSignal;
  readonly log: Log;
}

/** For a year, as is usual. Not for hosts below this one's name: they may be somebody else's. */
const STRICT_TRANSPORT = { maxAge: 31_536_000, includeSubDomains: false };
const sayStrictTransport = helmet.strictTransportSecurity(STRICT_TRANSPORT);

/** Not for this machine's own names: everything that anybody develops on it answers to them, on other ports and without TLS. */
const demandTls: RequestHandler = (request, response, next) =>
  isLoopback(request.hostname.replace(/^\[|\]$/g, '')) ? next() : sayStrictTransport(request, response, next);

/** Longest message of somebody attached: the most input in base64, and the words around it. */
const MAX_MESSAGE_BYTES = 2 * MAX_INPUT_BYTES;

export function createApp({ command, board, isSecure, closing, log, ...origins }: AppOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  // Only text: an operator such as `jobId[$ne]=x` stays a name that no schema knows.
  app.set('query parser', 'simple');
  app.set('etag', false);
  app.use(createMeasure(command.metrics));
  app.use(createGuard({ ...origins, embeddable: isForEmbedding, openPaths: [EMBED_SCRIPT] }));
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
      strictTransportSecurity: false,
    }),
  );
  // Without TLS of our own it is for a proxy in front to say.
  if (isSecure) app.use(demandTls);
  app
    .route('/healthz')
    .get((_request, response) => void response.json({ status: 'ok' }))
    .all(methodNotAllowed('GET'));
  app
    .route('/readyz')
    .get(async (_request, response) => {
      const { ready, checks } = await command.readiness();
      response.status(ready ? 200 : 503).json({ status: ready ? 'ready' : 'not ready', checks });
    })
    .all(methodNotAllowed('GET'));
  app.use((_request, response, next) => {
    // Jobs are their owner's and change: no cache keeps them.
    response.set('Cache-Control', 'no-store');
    next();
  });
  app.use(createPlayground(command.version, log));
  app.use(createDocs(command.version));
  const authenticate = createAuthenticate(command.auth, origins.embedOrigins);
  const pistonSockets = createWebSockets(closing, MAX_PROGRAM_BYTES);
  app.use(PISTON_PREFIXES, createPistonRoutes({ command, authenticate, webSockets: pistonSockets, closing, log }));
  app.use(authenticate);
  app.use('/admin/queues', board);
  app.use(createAdminRoutes(command));
  app.use(createKeyRoutes(command.auth.keys));
  app.use(createRoutes(command, createWebSockets(closing, MAX_MESSAGE_BYTES), closing, log));
  app.use(createBatchRoutes(command, closing));
  app.use(notFound('/docs lists what there is'));
  app.use(createErrorHandler(log));
  return app;
}
