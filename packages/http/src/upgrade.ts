/**
 * Requests that ask for another protocol: they meet the same checks and routes as all others, and whoever wants the connection
 * takes it over; else they are answered over HTTP, as a server may that does not change the protocol.
 */
import { type IncomingMessage, type RequestListener, type Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export interface Connection {
  readonly socket: Socket;
  /** What came after the request. */
  readonly head: Buffer;
}

const waiting = new WeakMap<IncomingMessage, Connection & { readonly response: ServerResponse }>();

export function answerUpgrades(server: Server, handler: RequestListener): void {
  server.on('upgrade', (request, socket: Socket, head) => {
    const response = new ServerResponse(request);
    // Node has let go of the connection: no further request of it would be heard.
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    socket.on('error', () => socket.destroy());
    response.once('finish', () => {
      response.detachSocket(socket);
      response.emit('close');
      socket.end();
    });
    waiting.set(request, { socket, head, response });
    handler(request, response);
  });
}

export function isUpgrade(request: IncomingMessage): boolean {
  return waiting.has(request);
}

/** Whether this is how a WebSocket is asked for (RFC 6455). */
export function asksForWebSocket(request: IncomingMessage): boolean {
  const { upgrade, 'sec-websocket-key': key = '', 'sec-websocket-version': version } = request.headers;
  const asks = upgrade?.toLowerCase() === 'websocket' && /^[+/0-9A-Za-z]{22}==$/.test(key) && version === '13';
  return asks && request.method === 'GET' && isUpgrade(request);
}

/** Take the connection over, instead of answering. */
export function takeConnection(request: IncomingMessage): Connection {
  const found = waiting.get(request);
  if (!found) throw new Error('the request asks for no other protocol');
  const { socket, head, response } = found;
  response.detachSocket(socket);
  response.emit('close');
  return { socket, head };
}
