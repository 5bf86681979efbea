/**
 * The door for clients of Piston (its API v2): what they send, and what they expect back. How it differs from Piston, where
 * Piston has a fault: docs/piston.md.
 */
import { compareVersions, RunlaneError } from '@runlane/contract';
import type { Log } from '@runlane/core';
import { createErrorHandler } from '@runlane/http';
import { type Request, type RequestHandler, Router } from 'express';
import type { Command } from '../command.js';
import { callerOf } from '../rest/authenticate.js';
import { readJson } from '../rest/body.js';
import { goneSignal } from '../rest/gone-signal.js';
import type { WebSockets } from '../rest/web-socket.js';
import { serveConnection } from './connect.js';
import { execute } from './execute.js';
import { inPistonsNames } from './request.js';

/** Where a server of one's own has it, and where the public service had it. */
export const PISTON_PREFIXES = ['/api/v2/piston', '/api/v2'];
/** Of Piston, whose ways are followed here. */
export const PISTON_VERSION = '3.1.1';

const READS = ['GET', 'HEAD', 'OPTIONS'];

export interface PistonRoutesOptions {
  readonly command: Command;
  readonly authenticate: RequestHandler;
  readonly webSockets: WebSockets;
  /** Aborts when the server stops. */
  readonly closing: AbortSignal;
  readonly log: Log;
}

export function createPistonRoutes({ command, authenticate, webSockets, closing, log }: PistonRoutesOptions): Router {
  const routes = Router();
  const { languages } = command;

  routes.use(authenticate);
  routes.use((request, _response, next) => {
    if (READS.includes(request.method) || request.is('application/json')) return next();
    throw new RunlaneError('UNSUPPORTED_MEDIA_TYPE', 'requests must be of type application/json');
  });

  routes.post('/execute', ...readJson, async (request, response) => {
    response.json(await execute(command, callerOf(response), request.body, goneSignal(response, closing)));
  });

  routes.get('/runtimes', async (_request, response) => {
    const here = (await languages.all()).filter(({ usable }) => usable);
    // Clients take the first that they find.
    const newestFirst = here.toSorted((a, b) => a.name.localeCompare(b.name) || compareVersions(b.version, a.version));
    response.json(newestFirst.map(({ name, version, aliases }) => ({ language: name, version, aliases })));
  });

  routes.get('/connect', async (request, response) => {
    if (!webSockets.isAsked(request)) throw notFound();
    await serveConnection(request, { command, caller: callerOf(response), webSockets, closing, log });
  });

  routes
    .route('/packages')
    .get(async (_request, response) => {
      const all = await languages.all();
      response.json(
        all.map(({ name, version, usable }) => ({ language: name, language_version: version, installed: usable })),
      );
    })
    .post(...readJson, async (request) => {
      if (await isOffered(request)) throw new RunlaneError('INVALID_REQUEST', 'Already installed');
      throw new RunlaneError('NOT_FOUND', `Requested package ${packageOf(request)} does not exist; ${HOW_TO_INSTALL}`);
    })
    .delete(...readJson, async (request) => {
      if (await isOffered(request))
        throw new RunlaneError('INVALID_REQUEST', `nothing is taken away over HTTP; ${HOW_TO_INSTALL}`);
      throw new RunlaneError('NOT_FOUND', `Requested package ${packageOf(request)} does not exist`);
    });

  async function isOffered(request: Request): Promise<boolean> {
    const { language, version } = request.body as { language?: unknown; version?: unknown };
    const all = await languages.all();
    return all.some((each) => each.usable && each.name === language && each.version === version);
  }

  routes.use(() => {
    throw notFound();
  });
  // Piston's clients read `message`, and take any other body for a broken server.
  routes.use(createErrorHandler(log, (response, error) => response.json({ message: inPistonsNames(error) })));
  return routes;
}

const HOW_TO_INSTALL = 'languages are installed on the server, by "npx runlane languages install"';

const notFound = () => new RunlaneError('NOT_FOUND', 'Not Found');

function packageOf({ body }: Request): string {
  const { language, version } = body as { language?: unknown; version?: unknown };
  return `${String(language).slice(0, 64)}-${String(version).slice(0, 64)}`;
}
