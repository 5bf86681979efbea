/** A runner host as its callers have it: a process of its own, spoken to over gRPC. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type ClientDuplexStream, credentials, type ServiceError } from '@grpc/grpc-js';
import { runner } from '@runlane/contract';

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));
export const SLOTS = 2;

export type Call = ClientDuplexStream<runner.ExecuteRequest, runner.ExecuteResponse>;

export interface Host {
  readonly process: ChildProcess;
  readonly address: string;
  readonly client: runner.RunnerServiceClient;
  readonly logged: string[];
}

/** `folder` is for its socket and what else it needs while it runs. */
export async function startHost(folder: string, env: Record<string, string> = {}): Promise<Host> {
  const child = spawn(process.execPath, [MAIN], {
    env: {
      PATH: process.env.PATH,
      GRPC_PORT: '0',
      RUN_DIR: folder,
      RUNNER_SLOTS: String(SLOTS),
      CANARY: 'secret',
      ...env,
    },
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  const logged: string[] = [];
  const address = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      logged.push(line);
      const found = /"address":"([^"]+)"/.exec(line);
      if (found?.[1]) resolve(found[1]);
    });
    child.once('exit', () => reject(new Error(`the host did not start:\n${logged.join('\n')}`)));
  });
  return {
    process: child,
    address,
    client: new runner.RunnerServiceClient(address, credentials.createInsecure()),
    logged,
  };
}

export async function stopHost({ process: child, client }: Host): Promise<void> {
  client.close();
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

type Done<O> = (reason: ServiceError | null, response: O) => void;

export function ask<O>(
  client: runner.RunnerServiceClient,
  call: (client: runner.RunnerServiceClient, done: Done<O>) => unknown,
): Promise<O> {
  return new Promise((resolve, reject) => {
    call(client, (reason, response) => (reason ? reject(reason) : resolve(response)));
  });
}

export function bundleOf(files: Record<string, string>): Buffer {
  const list = Object.entries(files).map(([path, text]) => ({ path, content: Buffer.from(text), executable: false }));
  return Buffer.from(runner.Bundle.encode({ files: list }).finish());
}

export function beginOn(
  client: runner.RunnerServiceClient,
  artifactDigest: string,
  more: Partial<runner.Start> = {},
): Call {
  const call = client.execute();
  const value = {
    ...runner.Start.decode(new Uint8Array()),
    language: 'python',
    entry: 'main.py',
    artifactDigest,
    limits: {},
    ...more,
  };
  call.write({ message: { $case: 'start', value } });
  return call;
}

export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly exited: runner.Exited;
  readonly order: string[];
  /** Files that came back, by path. */
  readonly files: Readonly<Record<string, Buffer>>;
}

export async function finish(call: Call, go = true): Promise<Outcome> {
  const written: Record<number, string> = { 1: '', 2: '' };
  const order: string[] = [];
  const files: Record<string, Buffer> = {};
  let exited: runner.Exited | undefined;
  for await (const { message } of call as AsyncIterable<runner.ExecuteResponse>) {
    if (message && order.at(-1) !== message.$case) order.push(message.$case);
    if (message?.$case === 'admitted' && go) call.write({ message: { $case: 'go', value: {} } });
    if (message?.$case === 'output') written[message.value.stream] += message.value.data.toString();
    if (message?.$case === 'file') {
      const { path, chunk } = message.value;
      files[path] = Buffer.concat([files[path] ?? Buffer.alloc(0), chunk]);
    }
    if (message?.$case === 'exited') exited = message.value;
  }
  assert.ok(exited);
  return { stdout: written[1] ?? '', stderr: written[2] ?? '', exited, order, files };
}

export async function refusal(promise: Promise<unknown>): Promise<ServiceError> {
  const reason = await promise.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  assert.ok(reason, 'it was not refused');
  return reason as ServiceError;
}
