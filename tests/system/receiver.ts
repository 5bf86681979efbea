/** Whoever is called: an HTTP server on the loopback address that keeps what it was sent and answers as it is told. */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JobJson } from '@runlane/contract';

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly job: JobJson;
}

/** What becomes of the n-th request to a path, from 1. */
export type Behaviour = (response: ServerResponse, n: number) => unknown;

export interface Receiver {
  readonly port: number;
  /** In the order of their arrival. */
  readonly received: readonly Received[];
  url(path: string): string;
  at(path: string): readonly Received[];
  /** Answer on this path so; on all others 204. */
  on(path: string, behaviour: Behaviour): void;
  /** Nobody listens any more. */
  stop(): Promise<void>;
}

export const answer =
  (status: number, headers: Record<string, string> = {}): Behaviour =>
  (response) =>
    response.writeHead(status, headers).end();

export async function startReceiver(port = 0): Promise<Receiver> {
  const received: Received[] = [];
  const behaviours = new Map<string, Behaviour>();
  const server = createServer(async (request, response) => {
    const { url: path = '', headers } = request;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    received.push({ path, headers, body, job: JSON.parse(body) as JobJson });
    const n = received.filter((each) => each.path === path).length;
    (behaviours.get(path) ?? answer(204))(response, n);
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  const { port: listens } = server.address() as AddressInfo;
  return {
    port: listens,
    received,
    url: (path) => `http://127.0.0.1:${listens}${path}`,
    at: (path) => received.filter((each) => each.path === path),
    on: (path, behaviour) => void behaviours.set(path, behaviour),
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** As a receiver that knows this secret would sign what it was sent. */
export function signatureOf({ headers, body }: Received, secret: Uint8Array): string {
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  return `v1,${createHmac('sha256', secret).update(signed).digest('base64')}`;
}
