/** A way to a server, through a TCP proxy that can break what goes through it: connections that are reset, and replies that never arrive. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Way {
  readonly port: number;
  /** Cut every connection, on both sides, as a dying router does (RST); how many they were. */
  reset(): number;
  /** From now on, what the server says is lost; requests still arrive. */
  dropReplies(): void;
  /** Of replies, since they began to be lost. */
  lostBytes(): number;
  /** Let replies through again, on new connections: those that lost some are cut. How many bytes were lost. */
  deliverReplies(): number;
  close(): void;
}

interface Connection {
  readonly client: Socket;
  readonly server: Socket;
  /** It lost a reply: what comes after must not pass for it. */
  isBroken: boolean;
}

export async function startWay(targetPort: number): Promise<Way> {
  const connections = new Set<Connection>();
  let dropping = false;
  let lostBytes = 0;

  const listener = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    const server = connect({ port: targetPort, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    const connection: Connection = { client, server, isBroken: false };
    connections.add(connection);
    // A server that refuses is seen as one that breaks off at once.
    for (const socket of [client, server]) {
      socket.on('error', () => cut(connection));
      socket.on('close', () => cut(connection));
    }
    client.pipe(server);
    server.on('data', (bytes) => {
      if (dropping || connection.isBroken) {
        connection.isBroken = true;
        lostBytes += bytes.length;
      } else if (!client.write(bytes)) server.pause();
    });
    client.on('drain', () => server.resume());
    server.on('end', () => client.end());
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');

  function cut(connection: Connection): void {
    connections.delete(connection);
    for (const socket of [connection.client, connection.server]) if (!socket.destroyed) socket.resetAndDestroy();
  }

  return {
    port: (listener.address() as AddressInfo).port,
    reset() {
      const all = [...connections];
      all.forEach(cut);
      return all.length;
    },
    dropReplies() {
      dropping = true;
      lostBytes = 0;
    },
    lostBytes: () => lostBytes,
    deliverReplies() {
      dropping = false;
      [...connections].filter(({ isBroken }) => isBroken).forEach(cut);
      return lostBytes;
    },
    close() {
      listener.close();
      [...connections].forEach(cut);
    },
  };
}
