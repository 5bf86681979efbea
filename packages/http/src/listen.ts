/** An HTTP server, over TLS where it has a certificate, that slow, huge and broken requests do not wear down. */
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { ERRORS, type ErrorCode, RunlaneError } from '@runlane/contract';
import { secureContextOptions, type WatchedCertificates } from '@runlane/core/tls';
import { toProblem } from './problem.js';

export interface HttpDoor {
  readonly server: Server;
  readonly port: number;
  /** From now on, whoever is answered is to connect anew, which may lead elsewhere. */
  retire(): void;
  /** Take no more requests, finish those under way, break off what is left at the deadline. */
  close(deadline: AbortSignal): Promise<void>;
}

interface Address {
  readonly host: string;
  readonly port: number;
  /** What whoever starts it sets the port by. */
  readonly portFrom?: string;
  /** Without it, plain HTTP. */
  readonly tls?: WatchedCertificates | undefined;
}

/** @throws Error that names the address when it cannot be listened on. */
export function listenHttp(
  handler: RequestListener,
  { host, port, portFrom = 'HTTP_PORT', tls }: Address,
): Promise<HttpDoor> {
  let retiring = false;
  const server = create(tls, (request, response) => {
    // Else a busy client would keep its connection, and with it the server, open.
    if (retiring || !server.listening) response.setHeader('Connection', 'close');
    handler(request, response);
  });
  server.maxConnections = 10_000;
  server.on('clientError', answerBrokenRequest);
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const inUse = error.code === 'EADDRINUSE';
      const reason = inUse
        ? `is in use: stop what listens there, or set ${portFrom} to another port`
        : `cannot be listened on: ${error.message}`;
      reject(new Error(`${host}:${port} ${reason}`));
    });
    server.listen(port, host, () =>
      resolve({
        server,
        port: (server.address() as AddressInfo).port,
        retire() {
          retiring = true;
        },
        close: (deadline) => close(server, deadline),
      }),
    );
  });
}

const PATIENCE = { headersTimeout: 10_000, requestTimeout: 30_000, connectionsCheckingInterval: 2_000 };
/** Longest that a client may take to agree on TLS, in milliseconds. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

function create(tls: WatchedCertificates | undefined, listener: RequestListener): Server {
  if (!tls) return createServer(PATIENCE, listener);
  const options = { ...PATIENCE, ...secureContextOptions(tls.current), handshakeTimeout: HANDSHAKE_TIMEOUT_MS };
  const server = createSecureServer(options, listener);
  // Connections that are there keep what they were made with.
  server.once(
    'close',
    tls.onChange((next) => server.setSecureContext(secureContextOptions(next))),
  );
  return server;
}

function close(server: Server, deadline: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    deadline.addEventListener('abort', () => server.closeAllConnections(), { once: true });
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}

const BROKEN: Readonly<Record<string, ErrorCode>> = { HPE_HEADER_OVERFLOW: 'HEADERS_TOO_LARGE' };

/** Node found the request not to be HTTP, too long in its headers or too slow: say so, if anybody still listens, and hang up. */
function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  // Whoever does not agree on TLS, or speaks plain HTTP here, could not read an answer.
  const isOfTls = /^ERR_(SSL|TLS)_/.test(error.code ?? '');
  if (isOfTls || error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const slow = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  const code = BROKEN[error.code ?? ''] ?? 'INVALID_REQUEST';
  const message = slow
    ? 'the request did not arrive in time'
    : 'this is not a valid HTTP/1.1 request, or its headers are too large';
  const problem = { ...toProblem(new RunlaneError(code, message)), ...(slow && { status: 408 }) };
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${problem.status} ${slow ? 'Request Timeout' : ERRORS[code].title}\r\nContent-Type: application/problem+json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
