/**
 * Requests that ask for a WebSocket: they meet the same checks and routes as all others, and whoever wants the connection
 * takes it over; else they are answered over HTTP. Requests that ask for any other protocol, as some clients always do for
 * HTTP/2, are served as if they did not, as RFC 9110 has it for a server that does not change the protocol.
 */
import { type IncomingMessage, type RequestListener, type Server, ServerResponse } from 'node:http';
import { Server as SecureServer } from 'node:https';
import type { Socket } from 'node:net';

export interface Connection {
  readonly socket: Socket;
  /** What came after the request. */
  readonly head: Buffer;
}

const waiting = new WeakMap<IncomingMessage, Connection & { readonly response: ServerResponse }>();

export function answerUpgrades(server: Server, handler: RequestListener): void {
  // Over TLS, what is read again is behind it already.
  const arrival = server instanceof SecureServer ? 'secureConnection' : 'connection';
  server.on('upgrade', (request, socket: Socket, head) => {
    if (request.headers.upgrade?.toLowerCase() !== 'websocket') {
      // Node reads no body of it, so it is read once more.
      socket.unshift(Buffer.concat([withoutUpgrade(request), head]));
      server.emit(arrival, socket);
      return;
    }
    const response = new ServerResponse(request);
    // Node has let go of the connection: no further request of it would be heard.
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    socket.on('error', () => socket.destroy());
    response.once('finish', () => {
      response.detachSocket(socket);
      response.emit('close');
      // Not half: nobody reads what the other side may still send.
      socket.destroySoon();
    });
    waiting.set(request, { socket, head, response });
    handler(request, response);
  });
}

/** The head of a request as it came, but for the wish. */
function withoutUpgrade({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = rawHeaders.slice(at, at + 2);
    const rest =
      name.toLowerCase() === 'connection'
        ? value
            .split(',')
            .filter((each) => !isOfWish(each))
            .join(',')
        : value;
    if (!isOfWish(name) && rest.trim() !== '') lines.push(`${name}: ${rest}`);
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

function isOfWish(name: string): boolean {
  return ['upgrade', 'http2-settings'].includes(name.trim().toLowerCase());
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
