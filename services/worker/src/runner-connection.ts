/** One runner at one address: its calls as promises and iterables, its failures told apart by what to do next. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ChannelCredentials,
  Client,
  connectivityState,
  Metadata,
  type MethodDefinition,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { runner } from '@runlane/contract';
import type { JobInput, TracePlace } from '@runlane/core';
import { service as healthService } from 'grpc-health-check';

/** Why a runner did not do as asked. */
export type RunnerFailure =
  /** No slot was free: nothing was started. */
  | 'busy'
  /** It does not hold the artifact: nothing was started. */
  | 'missing_artifact'
  /** It will not do this, and no other attempt will change that. */
  | 'refused'
  /** There is no connection to it: nothing was asked of it. */
  | 'away'
  /** It broke off, or failed: what it started is dead or dying. */
  | 'lost';

export class RunnerError extends Error {
  override readonly name = 'RunnerError';
  constructor(
    readonly failure: RunnerFailure,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Who called gave up: not a failure of the runner. */
class RunAborted extends Error {
  override readonly name = 'AbortError';
}

type RunEvent =
  | { readonly type: 'started' }
  | { readonly type: 'output'; readonly stream: 'stdout' | 'stderr'; readonly data: Uint8Array }
  /** Part of a file that the program left; the parts of one follow each other. */
  | { readonly type: 'file'; readonly path: string; readonly data: Uint8Array }
  | { readonly type: 'exited'; readonly exited: runner.Exited };

/** A slot is held and a sandbox is ready; `go` starts the program, and `events` tells of it up to `exited`. */
export interface AdmittedRun {
  go(): void;
  /** Give the program input; resolves when more may be given, or `signal` aborts. Ignored once the program has ended. */
  give(input: JobInput, signal: AbortSignal): Promise<void>;
  /** Kill the program; `events` still tell how it ended. */
  kill(): void;
  /** @throws RunnerError `lost` when the stream breaks off or says nonsense; RunAborted when the signal aborted. */
  readonly events: AsyncIterable<RunEvent>;
  /** End the program and everything that it started, without waiting. */
  cancel(): void;
}

export interface RunnerConnection {
  readonly address: string;
  describe(): Promise<runner.DescribeResponse>;
  /** `trace`: where in a trace the runner puts what it does. */
  prepare(
    request: runner.PrepareRequest,
    timeoutMs: number,
    signal: AbortSignal,
    trace?: TracePlace,
  ): Promise<runner.PrepareResponse>;
  upload(digest: string, bytes: Uint8Array, signal: AbortSignal): Promise<void>;
  download(digest: string, signal: AbortSignal): Promise<Uint8Array>;
  /** Resolves when there is a connection. @throws RunnerError `away` when none can be made soon. */
  reach(): Promise<void>;
  /** Resolves when the runner has admitted the run. The whole call may take `timeoutMs`. */
  execute(start: runner.Start, timeoutMs: number, signal: AbortSignal, trace?: TracePlace): Promise<AdmittedRun>;
  /** Calls `onServing` once it serves, and resolves when it does not (any more) or goes away. */
  watchHealth(onServing: () => void): Promise<void>;
  close(): void;
}

const CHUNK_BYTES = 64 * 1024;
const CALL_TIMEOUT_MS = 5_000;
/** How long a connection that broke may take to come back before a run is left for later, in milliseconds. */
const REACH_WITHIN_MS = 1_000;
const FAILURES: Partial<Record<status, RunnerFailure>> = {
  [status.RESOURCE_EXHAUSTED]: 'busy',
  [status.FAILED_PRECONDITION]: 'missing_artifact',
  [status.INVALID_ARGUMENT]: 'refused',
  [status.NOT_FOUND]: 'refused',
};

const healthWatch = healthService.Watch as MethodDefinition<{ service: string }, { status: string }>;

export interface RunnerConnectionOptions {
  readonly credentials: ChannelCredentials;
  /** Over TLS, what the runner's certificate must be for; the address when left out. */
  readonly name?: string;
  /** Told how runs and compiles went, but for those that were given up and those that were not begun. */
  readonly onOutcome?: (outcome: 'succeeded' | 'lost') => void;
}

/** @param address `host:port` or `unix:/path`. */
export function connectRunner(
  address: string,
  { credentials, name, onOutcome = () => undefined }: RunnerConnectionOptions,
): RunnerConnection {
  const options = {
    'grpc.max_receive_message_length': 4 * 1024 * 1024,
    'grpc.max_send_message_length': 4 * 1024 * 1024,
    // A frozen runner keeps its connection open; only pings tell.
    'grpc.keepalive_time_ms': 10_000,
    'grpc.keepalive_timeout_ms': 5_000,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 2_000,
    ...(name !== undefined && { 'grpc.ssl_target_name_override': name }),
  };
  const client = new runner.RunnerServiceClient(address, credentials, options);
  const health = new Client(address, credentials, options);
  const within = (timeoutMs: number) => ({ deadline: Date.now() + timeoutMs });

  /** A unary (or client-streaming) call as a promise that a signal can cancel. */
  function call<T>(
    signal: AbortSignal | undefined,
    start: (done: (error: ServiceError | null, response: T) => void) => { cancel(): void },
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const started = start((error, response) => {
        signal?.removeEventListener('abort', cancel);
        if (error) reject(toRunnerError(error, signal));
        else resolve(response);
      });
      const cancel = () => started.cancel();
      if (signal?.aborted) cancel();
      else signal?.addEventListener('abort', cancel, { once: true });
    });
  }

  function noteLoss(error: unknown): void {
    if (error instanceof RunnerError && error.failure === 'lost') onOutcome('lost');
  }

  async function execute(
    start: runner.Start,
    timeoutMs: number,
    signal: AbortSignal,
    trace?: TracePlace,
  ): Promise<AdmittedRun> {
    const stream = client.execute(placedIn(trace), within(timeoutMs));
    let givenUp = false;
    const cancel = () => {
      givenUp = true;
      stream.cancel();
    };
    if (signal.aborted) cancel();
    signal.addEventListener('abort', cancel, { once: true });
    // Reading begins at once: grpc-js holds back a slow reader, not one yet to begin.
    const messages = (stream as AsyncIterable<runner.ExecuteResponse>)[Symbol.asyncIterator]();
    const next = async () => {
      try {
        return await messages.next();
      } catch (error) {
        throw toRunnerError(error, signal);
      }
    };
    let ended = false;
    const leave = () => {
      signal.removeEventListener('abort', cancel);
      // Cancelling what has ended would only make an error that nobody reads.
      if (!ended) cancel();
    };
    const end = () => {
      ended = true;
      onOutcome('succeeded');
      stream.end();
      stream.resume();
    };
    // What we gave up ourselves is no loss of the runner's.
    const note = (error: unknown) => givenUp || noteLoss(error);
    stream.write({ message: { $case: 'start', value: start } });
    try {
      const first = await next();
      if (first.done || first.value.message?.$case !== 'admitted')
        throw new RunnerError('lost', 'the runner did not admit the run');
    } catch (error) {
      note(error);
      leave();
      throw error;
    }
    return {
      go: () => void stream.write({ message: { $case: 'go', value: {} } }),
      async give(input, over) {
        if (ended || stream.write({ message: toRequest(input) })) return;
        await once(stream, 'drain', { signal: over }).catch(() => undefined);
      },
      kill: () => {
        // A cancellation may come while the result of what has ended is being stored.
        if (!ended) stream.write({ message: { $case: 'signal', value: { name: 'SIGKILL' } } });
      },
      events: readRun(next, { end, leave, note }),
      cancel: leave,
    };
  }

  return {
    address,

    describe: () => call(undefined, (done) => client.describe({}, new Metadata(), within(CALL_TIMEOUT_MS), done)),

    async prepare(request, timeoutMs, signal, trace) {
      const prepared = call<runner.PrepareResponse>(signal, (done) =>
        client.prepare(request, placedIn(trace), within(timeoutMs), done),
      );
      prepared.then(
        // What is not compiled needs no sandbox, and says nothing of those.
        ({ compile }) => compile && onOutcome('succeeded'),
        noteLoss,
      );
      return prepared;
    },

    async upload(digest, bytes, signal) {
      await call<runner.UploadResponse>(signal, (done) => {
        const stream = client.upload(new Metadata(), within(CALL_TIMEOUT_MS), done);
        stream.write({ part: { $case: 'digest', value: digest } });
        for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
          stream.write({ part: { $case: 'chunk', value: Buffer.from(bytes.subarray(at, at + CHUNK_BYTES)) } });
        }
        stream.end();
        return stream;
      });
    },

    async download(digest, signal) {
      const stream = client.download({ digest }, new Metadata(), within(CALL_TIMEOUT_MS));
      const cancel = () => stream.cancel();
      signal.addEventListener('abort', cancel, { once: true });
      try {
        const chunks: Uint8Array[] = [];
        for await (const { chunk } of stream as AsyncIterable<runner.DownloadResponse>) chunks.push(chunk);
        return Buffer.concat(chunks);
      } catch (error) {
        throw toRunnerError(error, signal);
      } finally {
        signal.removeEventListener('abort', cancel);
      }
    },

    async reach() {
      // Asked first, as waiting takes a turn of the event loop even when there is nothing to wait for.
      if (client.getChannel().getConnectivityState(true) === connectivityState.READY) return;
      await new Promise<void>((resolve, reject) => {
        client.waitForReady(Date.now() + REACH_WITHIN_MS, (error) =>
          error ? reject(new RunnerError('away', 'no connection to the runner', { cause: error })) : resolve(),
        );
      });
    },

    execute,

    watchHealth: (onServing) =>
      new Promise((resolve) => {
        const watch = health.makeServerStreamRequest(
          healthWatch.path,
          healthWatch.requestSerialize,
          healthWatch.responseDeserialize,
          { service: '' },
        );
        watch.once('data', ({ status: first }: { status: string }) => first === 'SERVING' && onServing());
        watch.on('data', ({ status: serving }: { status: string }) => {
          if (serving === 'SERVING') return;
          watch.cancel();
          resolve();
        });
        watch.on('error', () => resolve());
        watch.on('end', () => resolve());
      }),

    close() {
      client.close();
      health.close();
    },
  };
}

function placedIn(trace: TracePlace | undefined): Metadata {
  const metadata = new Metadata();
  if (trace !== undefined) metadata.set('traceparent', trace);
  return metadata;
}

/** The events of an admitted run. However it is left, the call is over afterwards. */
async function* readRun(
  next: () => Promise<IteratorResult<runner.ExecuteResponse>>,
  { end, leave, note }: { end(): void; leave(): void; note(error: unknown): void },
): AsyncGenerator<RunEvent> {
  try {
    for (;;) {
      const { done, value } = await next();
      if (done) throw new RunnerError('lost', 'the runner broke off without saying how the run ended');
      const event = toRunEvent(value);
      if (event.type === 'exited') end();
      yield event;
      if (event.type === 'exited') return;
    }
  } catch (error) {
    note(error);
    throw error;
  } finally {
    leave();
  }
}

function toRequest(input: JobInput): runner.ExecuteRequest['message'] {
  switch (input.type) {
    case 'stdin':
      return { $case: 'stdin', value: Buffer.from(input.data) };
    case 'close_stdin':
      return { $case: 'closeStdin', value: {} };
    case 'signal':
      return { $case: 'signal', value: { name: input.name } };
    case 'resize':
      return { $case: 'resize', value: { rows: input.rows, columns: input.columns } };
  }
}

function toRunEvent({ message }: runner.ExecuteResponse): RunEvent {
  switch (message?.$case) {
    case 'started':
      return { type: 'started' };
    case 'output': {
      const { stream, data } = message.value;
      // Copied: a few bytes that are kept would else keep the whole buffer of the connection that they came in.
      return { type: 'output', stream: stream === runner.Stream.STDERR ? 'stderr' : 'stdout', data: Buffer.from(data) };
    }
    case 'file':
      return { type: 'file', path: message.value.path, data: message.value.chunk };
    case 'exited':
      return { type: 'exited', exited: message.value };
    default:
      throw new RunnerError('lost', `the runner sent ${message?.$case ?? 'an unknown message'} during a run`);
  }
}

function toRunnerError(error: unknown, signal: AbortSignal | undefined): Error {
  if (error instanceof RunnerError) return error;
  if (signal?.aborted) return new RunAborted('the run was given up', { cause: error });
  const { code, details } = error as ServiceError;
  return new RunnerError(FAILURES[code] ?? 'lost', details ?? 'the runner went away', { cause: error });
}

/** Wait before connecting again, a little longer each time. */
export function backOff(tries: number, signal: AbortSignal): Promise<void> {
  return sleep(Math.min(100 * 2 ** tries, 2_000), undefined, { signal, ref: false }).catch(() => undefined);
}
