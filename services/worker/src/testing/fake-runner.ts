/** A runner that misbehaves as it is told: faults that a real one cannot be made to show. */
import { Server, ServerCredentials, type ServerDuplexStream, status } from '@grpc/grpc-js';
import { runner, type types } from '@runlane/contract';
import { digestOf } from '@runlane/core';
import { HealthImplementation } from 'grpc-health-check';

type Call = ServerDuplexStream<runner.ExecuteRequest, runner.ExecuteResponse>;

/** What the runner does with one Execute call, from its start on. */
export type Behaviour = (call: Call, start: runner.Start) => void;

const send = (call: Call, message: runner.ExecuteResponse['message']) => call.write({ message });
const refuse = (code: status, details: string) => (call: Call) => call.emit('error', { code, details });
const EXITED = runner.Exited.fromPartial({ reason: runner.EndReason.EXITED, exitCode: 0, isolation: 'fake' });

function onGo(call: Call, then: () => void): void {
  send(call, { $case: 'admitted', value: {} });
  call.on('data', ({ message }: runner.ExecuteRequest) => message?.$case === 'go' && then());
}

function output(call: Call, text: string): void {
  send(call, { $case: 'output', value: { stream: runner.Stream.STDOUT, data: Buffer.from(text) } });
}

function exit(call: Call, filesOmitted = 0): void {
  send(call, { $case: 'exited', value: { ...EXITED, filesOmitted } });
  call.end();
}

/** The program leaves files; the runner sends these parts of them, and says that it left out some more. */
export const leaves =
  (parts: readonly (readonly [path: string, bytes: Uint8Array | string])[], filesOmitted = 0): Behaviour =>
  (call) =>
    onGo(call, () => {
      for (const [path, bytes] of parts)
        send(call, { $case: 'file', value: { path, chunk: Buffer.from(bytes as Uint8Array) } });
      exit(call, filesOmitted);
    });

/** What a program makes of what it is started with. */
export interface Ended {
  readonly stdout?: string;
  readonly stderr?: string;
  readonly exitCode?: number;
  readonly reason?: runner.EndReason;
  readonly cpuTimeMs?: number;
}

/** The program is this function; it ends when that does. */
export const computes =
  (program: (start: runner.Start) => Ended | Promise<Ended>): Behaviour =>
  (call, start) =>
    onGo(call, async () => {
      const ended = await program(start);
      const { stdout = '', stderr = '', exitCode = 0, reason = runner.EndReason.EXITED, cpuTimeMs = 0 } = ended;
      output(call, stdout);
      send(call, { $case: 'output', value: { stream: runner.Stream.STDERR, data: Buffer.from(stderr) } });
      send(call, { $case: 'exited', value: { ...EXITED, reason, exitCode, cpuTimeMs } });
      call.end();
    });

export const BEHAVIOURS = {
  runs: (call) =>
    onGo(call, () => {
      output(call, 'ran\n');
      exit(call);
    }),
  isBusy: refuse(status.RESOURCE_EXHAUSTED, 'no slot'),
  refuses: refuse(status.INVALID_ARGUMENT, 'limits.processes is odd'),
  cannotStart: (call) =>
    onGo(call, () => call.emit('error', { code: status.INVALID_ARGUMENT, details: 'cannot start /work/x' })),
  lacksTheArtifact: refuse(status.FAILED_PRECONDITION, 'artifact'),
  isAway: refuse(status.UNAVAILABLE, 'away'),
  breaksOff: (call) =>
    onGo(call, () => {
      output(call, 'half');
      call.end();
    }),
  crashes: (call) => onGo(call, () => call.emit('error', { code: status.INTERNAL, details: 'sandbox' })),
  /** Runs until it is killed, and says then what it took. */
  spins: (call) => {
    onGo(call, () => undefined);
    call.on('data', ({ message }: runner.ExecuteRequest) => {
      if (message?.$case !== 'signal') return;
      send(call, { $case: 'exited', value: { ...EXITED, exitCode: undefined, signal: 'SIGKILL', cpuTimeMs: 500 } });
      call.end();
    });
  },
  saysNonsense: (call) => onGo(call, () => send(call, { $case: 'admitted', value: {} })),
  saysNothing: (call) => onGo(call, () => undefined),
  startsUnasked: (call) => send(call, { $case: 'started', value: {} }),
  /** Says what input it is given, and ends at the end of it. */
  tellsInput: (call, { keepStdinOpen, terminal }) => {
    onGo(call, () => output(call, `${keepStdinOpen} ${terminal?.rows}x${terminal?.columns}`));
    call.on('data', ({ message }: runner.ExecuteRequest) => {
      if (message?.$case === 'stdin') output(call, ` stdin:${message.value}`);
      else if (message?.$case === 'signal') output(call, ` ${message.value.name}`);
      else if (message?.$case === 'resize') output(call, ` ${message.value.rows}x${message.value.columns}`);
      else if (message?.$case === 'closeStdin') exit(call);
    });
  },
  floods: (call, { limits }) =>
    onGo(call, () => {
      for (let sent = 0; sent < 4 * (limits?.outputBytes ?? 0); sent += 1_000) output(call, 'x'.repeat(1_000));
      exit(call);
    }),
} satisfies Record<string, Behaviour>;

export interface FakeRunner {
  readonly address: string;
  /** Calls of Execute so far. */
  executed(): number;
  /** Runs that were told to go. */
  went(): number;
  /** Digests that it was given. */
  readonly uploaded: string[];
  /** Versions of the language that it was asked to execute. */
  readonly versions: string[];
  close(): Promise<void>;
}

export interface FakeRunnerOptions {
  /** One for each Execute call; the last stays. */
  readonly behaviours: readonly Behaviour[];
  /** The digest that it says a source bundle was prepared to; its own, as nothing is compiled. */
  readonly prepares?: (bundle: Uint8Array) => string;
  /** What it says of compiling, which refuses the sources; nothing where they are prepared. */
  readonly compile?: (request: runner.PrepareRequest) => types.CompileResult | undefined;
  /** Prepare is answered with this status, where it is to be. */
  readonly refusesToPrepare?: (request: runner.PrepareRequest) => status | undefined;
  /** In the open when left out. */
  readonly credentials?: ServerCredentials;
  /** A free one when left out. */
  readonly port?: number;
  /** Path of a Unix socket to serve on instead. */
  readonly socket?: string;
  /** Runs that it makes at once; 2 when left out. */
  readonly slots?: number;
  /** What it offers, looked at each time it is asked; Python 3.11.2 alone when left out. */
  readonly languages?: readonly Partial<runner.RunnerLanguage>[];
}

export async function startFakeRunner({
  behaviours,
  prepares = digestOf,
  languages = [{ version: '3.11.2' }],
  slots = 2,
  credentials = ServerCredentials.createInsecure(),
  port: wantedPort = 0,
  socket,
  compile = () => undefined,
  refusesToPrepare = () => undefined,
}: FakeRunnerOptions): Promise<FakeRunner> {
  let executed = 0;
  let went = 0;
  const uploaded: string[] = [];
  const versions: string[] = [];
  const limits = { wallTimeMs: 200, outputBytes: 10_000 };
  const describe = () =>
    runner.DescribeResponse.fromPartial({
      languages: languages.map((language) => ({
        name: 'python',
        entry: 'main.py',
        defaultLimits: limits,
        maximumLimits: limits,
        toolchain: 't',
        ...language,
      })),
      slots,
      platform: 'linux/x64',
    });
  const server = new Server();
  server.addService(runner.RunnerServiceService, {
    describe: (_call, done) => done(null, describe()),
    prepare({ request }, done) {
      const code = refusesToPrepare(request);
      if (code !== undefined) return done({ code, details: 'not now' });
      const refused = compile(request);
      done(null, { artifactDigest: refused ? '' : prepares(request.bundle), compile: refused });
    },
    findMissing: (_call, done) => done(null, { digests: [] }),
    upload(call, done) {
      call.on('data', ({ part }: runner.UploadRequest) => part?.$case === 'digest' && uploaded.push(part.value));
      call.on('end', () => done(null, {}));
    },
    download: (call) => {
      call.write({ chunk: Buffer.from('not what was asked for') });
      call.end();
    },
    execute(call) {
      const behaviour = behaviours[Math.min(executed, behaviours.length - 1)];
      executed += 1;
      call.on('data', ({ message }: runner.ExecuteRequest) => {
        if (message?.$case === 'go') went += 1;
      });
      call.once('data', ({ message }: runner.ExecuteRequest) => {
        if (message?.$case !== 'start') return;
        versions.push(message.value.version);
        behaviour?.(call, message.value);
      });
      call.on('error', () => undefined);
    },
  } satisfies runner.RunnerServiceServer);
  new HealthImplementation({ '': 'SERVING' }).addToServer(server);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(socket ? `unix:${socket}` : `127.0.0.1:${wantedPort}`, credentials, (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return {
    address: socket ? `unix:${socket}` : `127.0.0.1:${port}`,
    executed: () => executed,
    went: () => went,
    uploaded,
    versions,
    close: async () => server.forceShutdown(),
  };
}
