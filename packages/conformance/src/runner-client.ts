/** One runner at one address, asked as a worker asks it: every call a promise that ends, every failure a `CallError`. */
import {
  type CallOptions,
  type ChannelCredentials,
  Client,
  credentials as channelCredentials,
  Metadata,
  type MethodDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import { runner } from '@runlane/contract';
import { service as healthService } from 'grpc-health-check';
import { type Conversation, converse } from './conversation.js';
import { CallError } from './failure.js';
import { listServices } from './reflection.js';

const CHUNK_BYTES = 64 * 1024;
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

export interface RunnerClient {
  describe(): Promise<runner.DescribeResponse>;
  prepare(request: runner.PrepareRequest): Promise<runner.PrepareResponse>;
  findMissing(digests: readonly string[]): Promise<string[]>;
  upload(digest: string, bytes: Uint8Array): Promise<void>;
  download(digest: string): Promise<Buffer>;
  execute(): Conversation;
  /** What the standard health service says of the whole server, such as "SERVING". */
  health(): Promise<string>;
  /** Names of the services that server reflection lists. */
  services(): Promise<string[]>;
  close(): void;
}

type Done<T> = (error: ServiceError | null, response: T) => void;

const healthCheck = healthService.Check as MethodDefinition<{ service: string }, { status: string }>;

/** Where a runner is, and how it is known to be the one. */
export interface RunnerTarget {
  /** `host:port` or `unix:/path`. */
  readonly target: string;
  /** In the open when left out. */
  readonly credentials?: ChannelCredentials | undefined;
}

/**
 * @param timeoutMs longest that one call may take, in milliseconds.
 * @param through another address that leads there.
 */
export function connectRunner(
  { target, credentials = channelCredentials.createInsecure() }: RunnerTarget,
  timeoutMs: number,
  through: string | undefined = undefined,
): RunnerClient {
  const options = {
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
    // Two clients of one process would else share a connection, and one of them is there to lose its own.
    'grpc.use_local_subchannel_pool': 1,
    // Its certificate is for where it is, whatever the way there.
    ...(through !== undefined && { 'grpc.ssl_target_name_override': hostOf(target) }),
  };
  const address = through ?? target;
  const client = new runner.RunnerServiceClient(address, credentials, options);
  const plain = new Client(address, credentials, options);
  const within = (): CallOptions => ({ deadline: Date.now() + timeoutMs });

  return {
    describe: () => ask('Describe', (done) => client.describe({}, new Metadata(), within(), done)),

    prepare: (request) => ask('Prepare', (done) => client.prepare(request, new Metadata(), within(), done)),

    async findMissing(digests) {
      const request = { digests: [...digests] };
      const response = await ask<runner.FindMissingResponse>('FindMissing', (done) =>
        client.findMissing(request, new Metadata(), within(), done),
      );
      return response.digests;
    },

    async upload(digest, bytes) {
      await ask<runner.UploadResponse>('Upload', (done) => {
        const stream = client.upload(new Metadata(), within(), done);
        stream.write({ part: { $case: 'digest', value: digest } });
        for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
          stream.write({ part: { $case: 'chunk', value: Buffer.from(bytes.subarray(at, at + CHUNK_BYTES)) } });
        }
        stream.end();
      });
    },

    async download(digest) {
      const stream = client.download({ digest }, new Metadata(), within());
      const chunks: Buffer[] = [];
      try {
        for await (const { chunk } of stream as AsyncIterable<runner.DownloadResponse>) chunks.push(chunk);
      } catch (error) {
        throw toCallError('Download', error);
      }
      return Buffer.concat(chunks);
    },

    execute: () => converse(client.execute(new Metadata(), within())),

    async health() {
      const { path, requestSerialize, responseDeserialize } = healthCheck;
      const response = await ask<{ status: string } | undefined>('Check', (done) =>
        plain.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          { service: '' },
          new Metadata(),
          within(),
          done,
        ),
      );
      return response?.status ?? 'no answer';
    },

    services: () => listServices(plain, within),

    close() {
      client.close();
      plain.close();
    },
  };
}

function hostOf(target: string): string {
  return target.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
}

function ask<T>(method: string, start: (done: Done<T>) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, response) => (error ? reject(toCallError(method, error)) : resolve(response)));
  });
}

function toCallError(method: string, error: unknown): CallError {
  const { code, details } = error as ServiceError;
  return new CallError(method, code, details);
}
