/** The gRPC server: the runner's own service, the standard health service, and reflection. */
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import {
  Server,
  type ServerCredentials,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
} from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { loadDescriptors, runner } from '@runlane/contract';
import { HealthImplementation } from 'grpc-health-check';

const SERVICE = 'runlane.v1.RunnerService';
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

export interface RunnerServer {
  /** Where it serves; with the real port when 0 was asked for. */
  readonly address: string;
  setServing(serving: boolean): void;
  /** Finish what runs, and refuse what is new; at the deadline end the rest. */
  close(deadline: AbortSignal): Promise<void>;
}

export async function serveRunner(
  service: runner.RunnerServiceServer,
  address: string,
  credentials: ServerCredentials,
): Promise<RunnerServer> {
  const calls = countCalls();
  const server = new Server({
    interceptors: [calls.interceptor],
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_concurrent_streams': 10_000,
  });
  server.addService(runner.RunnerServiceService, service);
  const health = new HealthImplementation({ '': 'SERVING', [SERVICE]: 'SERVING' });
  health.addToServer(server);
  new ReflectionService(loadDescriptors()).addToServer(server);
  // A predecessor that was killed left its socket. Whoever may write to this folder is the one runner that serves here.
  if (address.startsWith('unix:')) await rm(address.slice('unix:'.length), { force: true });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, credentials, (reason, bound) => {
      if (reason) reject(reason);
      else resolve(bound);
    });
  });
  const setServing = (serving: boolean) => {
    for (const name of ['', SERVICE]) health.setStatus(name, serving ? 'SERVING' : 'NOT_SERVING');
  };
  return {
    address: address.startsWith('unix:') ? address : address.replace(/:\d+$/, `:${port}`),
    setServing,
    async close(deadline) {
      setServing(false);
      const force = () => server.forceShutdown();
      deadline.addEventListener('abort', force, { once: true });
      if (deadline.aborted) force();
      // Workers send nothing new, as they watch the health. Told that the connection ends (GOAWAY), grpc-js drops it at its next
      // keepalive ping, and with it what still runs: so it is told when nothing does.
      else await Promise.race([calls.over(), once(deadline, 'abort')]);
      await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
    },
  };
}

/** Counts the calls of our own service that are under way. Those of the health service never end by themselves. */
function countCalls(): { readonly interceptor: ServerInterceptor; over(): Promise<void> } {
  const active = new Set<symbol>();
  let wake = () => {};
  return {
    interceptor(method, call) {
      if (!method.path.startsWith(`/${SERVICE}/`)) return new ServerInterceptingCall(call);
      const name = Symbol(method.path);
      active.add(name);
      const end = () => {
        active.delete(name);
        if (active.size === 0) wake();
      };
      return new ServerInterceptingCall(call, {
        start: (next) => next(new ServerListenerBuilder().withOnCancel(end).build()),
        sendStatus(status, next) {
          next(status);
          end();
        },
      });
    },
    over: () =>
      new Promise((resolve) => {
        wake = resolve;
        if (active.size === 0) resolve();
      }),
  };
}
