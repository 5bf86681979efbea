/** The gRPC server: the execution service, the standard health service, and reflection. */
import { Server, type ServerCredentials } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { execution, loadDescriptors, MAX_BATCH_BYTES } from '@runlane/contract';
import type { Log } from '@runlane/core';
import { HealthImplementation } from 'grpc-health-check';
import type { Command } from '../command.js';
import { createGate } from './authenticate.js';
import { tolerant } from './server-stream.js';
import { createExecutionService } from './service.js';

/** How often readiness is asked for the health service, in milliseconds. */
const HEALTH_EVERY_MS = 2_000;

const REFLECTED = ['runlane.v1.ExecutionService', 'grpc.health.v1.Health'];

export interface GrpcDoor {
  readonly port: number;
  /** Have the health service say now whether command is ready. */
  reportHealth(): Promise<void>;
  /** Take no more calls, finish those under way, break off what is left at the deadline. */
  close(deadline: AbortSignal): Promise<void>;
}

/** @throws Error that names the address when it cannot be listened on. */
export async function startGrpc(
  command: Command,
  {
    host,
    port,
    credentials,
    closing,
  }: { host: string; port: number; credentials: ServerCredentials; closing: AbortSignal },
  log: Log,
): Promise<GrpcDoor> {
  const gate = createGate(command.auth, log);
  const server = new Server({
    interceptors: [gate.interceptor],
    'grpc.max_receive_message_length': MAX_BATCH_BYTES,
    'grpc.max_send_message_length': -1,
    'grpc.max_concurrent_streams': 1_000,
    // Whoever is attached and went without a word is noticed.
    'grpc.keepalive_time_ms': 15_000,
    'grpc.keepalive_timeout_ms': 15_000,
  });
  server.addService(
    tolerant(execution.ExecutionServiceService),
    createExecutionService(command, gate.callerOf, closing, log),
  );
  const health = new HealthImplementation({ '': 'NOT_SERVING', 'runlane.v1.ExecutionService': 'NOT_SERVING' });
  health.addToServer(server);
  new ReflectionService(loadDescriptors(), { services: [...REFLECTED] }).addToServer(server);

  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, credentials, (error, at) => {
      if (error)
        reject(
          new Error(`${address} cannot be listened on (is it in use? GRPC_PORT sets another port): ${error.message}`),
        );
      else resolve(at);
    });
  });
  const report = async () => {
    const { ready } = await command.readiness();
    for (const name of ['', 'runlane.v1.ExecutionService']) health.setStatus(name, ready ? 'SERVING' : 'NOT_SERVING');
  };
  const reporting = setInterval(() => void report().catch(() => undefined), HEALTH_EVERY_MS).unref();
  await report().catch(() => undefined);

  return {
    port: bound,
    reportHealth: report,
    close(deadline) {
      clearInterval(reporting);
      for (const name of ['', 'runlane.v1.ExecutionService']) health.setStatus(name, 'NOT_SERVING');
      deadline.addEventListener('abort', () => server.forceShutdown(), { once: true });
      return new Promise((resolve) => server.tryShutdown(() => resolve()));
    },
  };
}
