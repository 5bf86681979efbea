/**
 * MCP over Streamable HTTP, on the loopback address alone: there is no authentication. Stateless: every request is answered by
 * a server of its own, and any number of clients, and restarts, are no matter.
 */
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { isInitializeRequest } from '@modelcontextprotocol/sdk/types.js';
import { RunlaneError } from '@runlane/contract';
import { createLog } from '@runlane/core';
import { createErrorHandler, createGuard, listenHttp, methodNotAllowed } from '@runlane/http';
import express, { type Express, type Request, type Response } from 'express';
import { createInFlight, type InFlight, newSession } from './in-flight.js';
import { instructions } from './instructions.js';
import type { Platform } from './platform.js';
import { createMcpServer } from './server.js';

const HOST = '127.0.0.1';
const PATH = '/mcp';
/** Names of this machine for itself. A page that made another name resolve to it (DNS rebinding) is refused by them. */
const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];
/** As much as Runlane takes of a program. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;
const SESSION_HEADER = 'mcp-session-id';

export interface HttpOptions {
  /** 0 takes a free one. */
  readonly port: number;
}

export interface McpDoor {
  readonly url: string;
  /** Breaks off what is being answered; its jobs are cancelled. */
  close(): Promise<void>;
}

/** @throws Error that names the address when it cannot be listened on. */
export async function serveHttp(platform: Platform, { port }: HttpOptions): Promise<McpDoor> {
  const door = await listenHttp(createApp(platform), { host: HOST, port, portFrom: '--http' });
  return {
    url: `http://${HOST}:${door.port}${PATH}`,
    close() {
      const now = new AbortController();
      const closed = door.close(now.signal);
      now.abort();
      return closed;
    },
  };
}

function createApp(platform: Platform): Express {
  const inFlight = createInFlight();
  const app = express();
  app.disable('x-powered-by');
  app.use(createGuard({ allowedHosts: LOOPBACK_NAMES }));
  app.post(PATH, express.json({ limit: MAX_BODY_BYTES }), (request, response) =>
    answer(request, response, platform, inFlight),
  );
  // No stream of the server's own, and no session to end: it has nothing to say by itself.
  app.all(PATH, methodNotAllowed('POST'));
  app.use((request) => {
    throw new RunlaneError('NOT_FOUND', `there is nothing at ${request.path.slice(0, 200)}; MCP is at ${PATH}`);
  });
  app.use(createErrorHandler(createLog('mcp', 'error')));
  return app;
}

async function answer(request: Request, response: Response, platform: Platform, inFlight: InFlight): Promise<void> {
  const { body } = request;
  const begins = isInitializeRequest(body);
  const session = begins ? newSession() : request.header(SESSION_HEADER);
  if (session !== undefined) response.set(SESSION_HEADER, session);
  if (session !== undefined && inFlight.cancel(session, body)) return void response.status(202).end();
  const server = createMcpServer(platform, begins ? await instructions(platform) : '');
  const transport = new StreamableHTTPServerTransport();
  const end = session === undefined ? () => undefined : inFlight.begin(session, body, transport as Transport);
  // Answered, or hung up: without a session nobody could come back for the answer, so then the job is cancelled.
  response.once('close', () => {
    end();
    void server.close();
  });
  await server.connect(transport as Transport);
  await transport.handleRequest(request, response, body);
}
