/** The way between a client and the server, which can be broken, and on which a server can be played that prints very much. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface BreakableWay {
  readonly url: string;
  /** `Last-Event-ID` of every stream of events that was asked for; undefined for those that began at the beginning. */
  readonly asked: (string | undefined)[];
  /** Hang up on everybody. */
  cut(): void;
  /** Answer the next stream of events by this. */
  play(events: (response: ServerResponse) => Promise<void>): void;
  close(): Promise<void>;
}

export async function openWay(target: string): Promise<BreakableWay> {
  const asked: (string | undefined)[] = [];
  const sockets = new Set<Socket>();
  let player: ((response: ServerResponse) => Promise<void>) | undefined;

  const server = createServer((incoming, outgoing) => {
    if (incoming.url?.endsWith('/events')) {
      asked.push(incoming.headers['last-event-id'] as string | undefined);
      const play = player;
      player = undefined;
      if (play) return void play(outgoing);
    }
    pass(incoming, outgoing);
  });
  function pass(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { method, url, headers } = incoming;
    const onward = request(new URL(url ?? '/', target), { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
      answer.on('error', () => outgoing.destroy());
    });
    onward.on('error', () => outgoing.destroy());
    outgoing.on('close', () => onward.destroy());
    incoming.pipe(onward);
  }
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    cut,
    play(events) {
      player = events;
    },
    async close() {
      server.close();
      cut();
      await once(server, 'close');
    },
  };
}
