/** Talking to servers over TLS with an authority of the test's own, which `fetch` cannot be given. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { connect } from 'node:tls';

export interface SecureServer {
  readonly port: number;
  readonly ca: Buffer;
}

/** A request on a connection of its own. @throws Error where the server is not who it should be. */
export async function ask({ port, ca }: SecureServer, path: string, body?: unknown): Promise<IncomingMessage> {
  const headers = { 'Content-Type': 'application/json', Prefer: 'wait=10' };
  const sent = request({ host: 'localhost', port, ca, path, agent: false, method: body ? 'POST' : 'GET', headers });
  sent.end(body && JSON.stringify(body));
  const [response] = await once(sent, 'response');
  return response;
}

export async function askJson<T>(server: SecureServer, path: string, body?: unknown): Promise<T> {
  return JSON.parse(await text(await ask(server, path, body))) as T;
}

/** Of the certificate that a new connection is shown. */
export async function serialNumberAt({ port, ca }: SecureServer, own: object = {}): Promise<string> {
  const socket = connect({ port, ca, servername: 'localhost', ALPNProtocols: ['h2', 'http/1.1'], ...own });
  await once(socket, 'secureConnect');
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

/** The lines of a stream, as they come. */
export function linesOf(response: IncomingMessage): AsyncIterator<string> {
  return createInterface({ input: response })[Symbol.asyncIterator]();
}
