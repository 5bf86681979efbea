/** Opens command's two doors, HTTP and gRPC, and closes them again. */
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Closer, Log } from '@runlane/core';
import type { OpenPorts } from '@runlane/core/adapters';
import { commandTlsFiles, openTls, serverCredentials } from '@runlane/core/tls';
import { answerUpgrades, listenHttp } from '@runlane/http';
import { createBoard } from './admin/board.js';
import { type CommandOptions, createCommand } from './command.js';
import { startGrpc } from './grpc/server.js';
import { checkOpenness } from './openness.js';
import { createApp } from './rest/app.js';
import { VERSION } from './version.js';

export const COMMAND_VARIABLES = [
  'HTTP_PORT',
  'GRPC_PORT',
  'HOST',
  'ALLOWED_HOSTS',
  'AUTH',
  'ADMIN_KEY',
  'TLS_CERT',
  'TLS_KEY',
  'CORS_ORIGINS',
  'EMBED_ORIGINS',
  'EMBED_REQUESTS_PER_MINUTE',
  'EMBED_UNFINISHED_JOBS',
  'EMBED_CPU_SECONDS_PER_DAY',
  'MAX_QUEUED_JOBS',
  'MAX_DOWNLOADS',
  'DOWNLOAD_STALL_SECONDS',
  'DRAIN_SECONDS',
  'SHUTDOWN_SECONDS',
  'WEBHOOKS',
  'WEBHOOK_ALLOW_HTTP',
  'WEBHOOK_ALLOWED_NETWORKS',
] as const;

export interface CommandDoorsOptions {
  readonly ports: OpenPorts;
  readonly config: CommandOptions['config'] & {
    readonly HTTP_PORT: number;
    readonly GRPC_PORT: number;
    readonly HOST: string;
    readonly ALLOWED_HOSTS: readonly string[];
    readonly TLS_CERT: string | undefined;
    readonly TLS_KEY: string | undefined;
    readonly CORS_ORIGINS: readonly string[];
    readonly EMBED_ORIGINS: readonly string[];
    readonly DRAIN_SECONDS: number;
    readonly SHUTDOWN_SECONDS: number;
  };
  readonly closer: Closer;
  readonly log: Log;
}

/** The ports that are listened on. @throws Error that names an address which cannot be, or must not be, or a file of TLS. */
export async function openCommandDoors({ ports, config, closer, log }: CommandDoorsOptions) {
  checkOpenness(config.HOST, config.AUTH);
  checkDrain(config);
  const tls = await openTls(commandTlsFiles(config), { closer, log });
  const { openQueue, ...others } = ports;
  const command = createCommand({ ...others, queue: openQueue.queue, log, version: VERSION, config });
  const { HOST: host, ALLOWED_HOSTS: allowedHosts, CORS_ORIGINS: corsOrigins, EMBED_ORIGINS: embedOrigins } = config;
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  const board = createBoard(openQueue);
  const app = createApp({
    command,
    board,
    allowedHosts,
    corsOrigins,
    embedOrigins,
    isSecure: tls !== undefined,
    closing: closing.signal,
    log,
  });
  const http = await listenHttp(app, { host, port: config.HTTP_PORT, tls });
  answerUpgrades(http.server, app);
  closer.add({ name: 'http', close: http.close });
  const grpc = await startGrpc(
    command,
    { host, port: config.GRPC_PORT, credentials: serverCredentials(tls), closing: closing.signal },
    log,
  );
  closer.add({ name: 'grpc', close: grpc.close });
  closer.add({ name: 'attachments', close: command.attachments.allLeft });
  // Who watches or waits is told to come back, else the doors would stay open for as long as their jobs run.
  closer.add({ name: 'watchers', close: async () => closing.abort('the server stops') });
  // First of all: whoever asks for health sends the next request elsewhere, and until it has asked, everything is answered.
  closer.add({
    name: 'drain',
    async close(deadline) {
      command.leave();
      http.retire();
      await grpc.reportHealth().catch(() => undefined);
      await sleep(config.DRAIN_SECONDS, undefined, { signal: deadline }).catch(() => undefined);
    },
  });
  return { command, httpPort: http.port, grpcPort: grpc.port };
}

/** Kept of the time to stop for all that comes after the drain, in milliseconds. */
const AFTER_DRAIN_MS = 5_000;

/** @throws Error that says what to set. */
function checkDrain({ DRAIN_SECONDS: drainMs, SHUTDOWN_SECONDS: stopMs }: CommandDoorsOptions['config']): void {
  if (drainMs === 0 || drainMs + AFTER_DRAIN_MS <= stopMs) return;
  throw new Error('SHUTDOWN_SECONDS must be at least 5 more than DRAIN_SECONDS, which it begins with');
}
