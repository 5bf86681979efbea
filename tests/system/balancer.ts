/**
 * A load balancer as they are: it spreads connections over the servers that are well, and looks only so often. One that says no
 * twice in a row gets no more of them; what is sent to one that is gone already fails, and is not tried again. Where none is
 * well, all that answer at all are taken, as balancers do: no answer would be worse.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Backend {
  /** A port for each door. */
  readonly ports: readonly number[];
  /** Answers 200 when it is well. */
  readonly healthUrl: string;
}

export interface Balancer {
  /** A port for each door. */
  readonly ports: readonly number[];
  isWell(backend: Backend): boolean;
  close(): void;
}

const LOOK_TIMEOUT_MS = 5_000;
const UNWELL_AFTER = 2;

export async function startBalancer(backends: readonly Backend[], lookEveryMs: number): Promise<Balancer> {
  const closed = new AbortController();
  const noes = new Map(backends.map((backend) => [backend, 0]));
  const open = new Set<Socket>();
  let turn = 0;

  async function look(backend: Backend): Promise<void> {
    const no = await fetch(backend.healthUrl, { signal: AbortSignal.timeout(LOOK_TIMEOUT_MS) }).then(
      ({ status }) => (status === 200 ? 0 : (noes.get(backend) ?? 0) + 1),
      // Nobody listens there.
      () => Number.POSITIVE_INFINITY,
    );
    noes.set(backend, no);
  }
  async function lookForEver(backend: Backend): Promise<void> {
    while (!closed.signal.aborted) {
      await sleep(lookEveryMs, undefined, { signal: closed.signal, ref: false }).catch(() => undefined);
      await look(backend);
    }
  }
  await Promise.all(backends.map(look));
  for (const backend of backends) void lookForEver(backend);

  const isWell = (backend: Backend) => (noes.get(backend) ?? 0) < UNWELL_AFTER;
  function next(): Backend | undefined {
    const well = backends.filter(isWell);
    const from = well.length > 0 ? well : backends.filter((backend) => Number.isFinite(noes.get(backend)));
    turn += 1;
    return from[turn % from.length];
  }

  async function listen(door: number): Promise<Server> {
    const server = createServer((client) => {
      const port = next()?.ports[door];
      if (port === undefined) return void client.destroy();
      join(client, connect(port, '127.0.0.1'));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return server;
  }
  function join(client: Socket, upstream: Socket): void {
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(from);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        open.delete(from);
        to.end();
      });
    }
  }

  const servers = await Promise.all((backends[0]?.ports ?? []).map((_, door) => listen(door)));
  return {
    ports: servers.map((server) => (server.address() as AddressInfo).port),
    isWell,
    close() {
      closed.abort();
      for (const server of servers) server.close();
      for (const socket of open) socket.destroy();
    },
  };
}
