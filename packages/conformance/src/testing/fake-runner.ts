/** A runner that runs nothing and pretends everything, well or with one fault: what the kit must take, and must see through. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Server, ServerCredentials, type ServerDuplexStream, status } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { loadDescriptors, runner } from '@runlane/contract';
import { HealthImplementation } from 'grpc-health-check';
import { digestOf, encodeBundle } from '../bundle.js';
import { PROGRAMS, type ProgramName } from '../programs.js';
import type { Fault } from './faults.js';
import { PRETENDED_PROGRAMS } from './pretended-programs.js';
import { createPretendedRun } from './pretended-run.js';

type Call = ServerDuplexStream<runner.ExecuteRequest, runner.ExecuteResponse>;

const SLOTS = 3;
const GO_TIMEOUT_MS = 5_000;
const DEFAULT_LIMITS = { wallTimeMs: 3_500, cpuTimeMs: 3_500, memoryBytes: 2 ** 26, outputBytes: 2 ** 20 };
const MAXIMUM_LIMITS = { wallTimeMs: 5_000, cpuTimeMs: 5_000, memoryBytes: 2 ** 26, outputBytes: 2 ** 21 };
/** What the compiled language's compiler makes of a program. */
const COMPILED_ENTRY = 'program.bin';
const ABSENT = { name: 'absent', title: 'Absent', entry: 'main.absent', unavailableReason: 'nothing to run it with' };

class Refusal extends Error {
  constructor(
    readonly code: status,
    readonly details: string,
  ) {
    super(details);
  }
}

export interface FakeRunner {
  readonly address: string;
  close(): void;
}

/** It offers "pretended", which is interpreted, and "compiled", which is compiled; "absent" is not available. */
export async function startFakeRunner(
  fault?: Fault,
  credentials = ServerCredentials.createInsecure(),
): Promise<FakeRunner> {
  const has = (one: Fault) => one === fault;
  const server = new Server({ 'grpc.max_receive_message_length': 2 ** 24 });
  server.addService(runner.RunnerServiceService, createService(has));
  new HealthImplementation({ '': has('says that it does not serve') ? 'NOT_SERVING' : 'SERVING' }).addToServer(server);
  if (!has('has no reflection')) new ReflectionService(loadDescriptors()).addToServer(server);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  return { address: `127.0.0.1:${port}`, close: () => server.forceShutdown() };
}

function createService(has: (fault: Fault) => boolean): runner.RunnerServiceServer {
  const artifacts = new Map<string, Buffer>();
  const execute = createExecute(artifacts, has);

  function prepare({ language, entry, bundle }: runner.PrepareRequest): runner.PrepareResponse {
    checkLanguage(language, has);
    const { files } = runner.Bundle.decode(bundle);
    for (const path of [entry, ...files.map((file) => file.path)]) checkPath(path, has);
    if (language !== 'compiled') return { artifactDigest: keep(artifacts, bundle), compile: undefined };
    const refused = isBroken(files, entry) && !has('gives a digest to what does not compile');
    const compile = { exitCode: refused ? 1 : 0, diagnostics: Buffer.from(refused ? 'no' : ''), wallTimeMs: 1 };
    const made = files.map((file) => (file.path === entry ? { ...file, path: COMPILED_ENTRY } : file));
    return { artifactDigest: refused ? '' : keep(artifacts, encodeBundle(made)), compile };
  }

  return {
    describe: (_, answer) => answer(null, describe(execute.free(), has)),

    prepare({ request }, answer) {
      try {
        answer(null, prepare(request));
      } catch (error) {
        answer(error as Refusal);
      }
    },

    findMissing: ({ request }, answer) =>
      answer(null, { digests: request.digests.filter((digest) => !artifacts.has(digest)) }),

    async upload(call, answer) {
      let digest = '';
      const chunks: Buffer[] = [];
      for await (const { part } of call as AsyncIterable<runner.UploadRequest>) {
        if (part?.$case === 'digest') digest = part.value;
        else if (part) chunks.push(part.value);
      }
      const bytes = Buffer.concat(chunks);
      if (digestOf(bytes) !== digest && !has('keeps bytes that have another digest')) {
        answer(new Refusal(status.INVALID_ARGUMENT, 'the bytes do not have this digest'));
        return;
      }
      artifacts.set(digest, has('brings other bytes than it was given') ? Buffer.concat([bytes, bytes]) : bytes);
      answer(null, {});
    },

    download(call) {
      const chunk = artifacts.get(call.request.digest);
      if (chunk) {
        call.write({ chunk });
        call.end();
      } else call.emit('error', new Refusal(status.NOT_FOUND, 'no such artifact'));
    },

    async execute(call) {
      // A call that its caller leaves ends in an error that nobody is there to read.
      call.on('error', () => undefined);
      try {
        await execute.serve(call);
        call.end();
      } catch (error) {
        if (!call.cancelled) call.emit('error', error);
      }
    },
  };
}

function createExecute(artifacts: ReadonlyMap<string, Buffer>, has: (fault: Fault) => boolean) {
  let free = SLOTS;
  let hellos = 0;

  async function serve(call: Call): Promise<void> {
    const requests: AsyncIterator<runner.ExecuteRequest, undefined> = call[Symbol.asyncIterator]();
    const first = (await requests.next()).value?.message;
    const start = first?.$case === 'start' ? first.value : undefined;
    const send = (message: runner.ExecuteResponse['message']) => void call.write({ message });
    if (!start) {
      if (!has('takes nonsense')) throw new Refusal(status.INVALID_ARGUMENT, 'start must come first');
      send({ $case: 'admitted', value: {} });
      return;
    }
    const { files, program } = plan(start, artifacts, has);
    if (free <= 0 && !has('admits more than its slots')) throw new Refusal(status.RESOURCE_EXHAUSTED, 'no slot');
    free -= 1;
    try {
      send({ $case: 'admitted', value: {} });
      if (!has('starts without go')) await waitForGo(requests, call);
      hellos += program === 'hello' ? 1 : 0;
      if (has('breaks off the twentieth hello') && hellos === 20) return;
      const limits = limitsOf(start);
      const run = createPretendedRun({ start, files, limits, has, send, program: PRETENDED_PROGRAMS[program] });
      if (!has('goes on when the call is cancelled')) call.once('cancelled', run.abandon);
      void passOn(requests, run.take);
      await run.finish();
    } finally {
      const lost = has('never frees a slot') || (call.cancelled && has('loses the slot of a run that was cancelled'));
      if (!lost) free += 1;
    }
  }

  async function waitForGo(requests: AsyncIterator<runner.ExecuteRequest>, call: Call): Promise<void> {
    const late = sleep(GO_TIMEOUT_MS, 'late');
    const gone = once(call, 'cancelled');
    const came = await Promise.race([requests.next(), gone, ...(has('waits for go for ever') ? [] : [late])]);
    if (came === 'late') throw new Refusal(status.DEADLINE_EXCEEDED, 'no go');
  }

  return { serve, free: () => free };
}

async function passOn(
  requests: AsyncIterator<runner.ExecuteRequest, undefined>,
  take: (message: NonNullable<runner.ExecuteRequest['message']>) => void,
): Promise<void> {
  for (;;) {
    const { value } = await requests.next().catch(() => ({ value: undefined }));
    if (!value?.message) return;
    take(value.message);
  }
}

/** What is to be run. @throws Refusal */
function plan(start: runner.Start, artifacts: ReadonlyMap<string, Buffer>, has: (fault: Fault) => boolean) {
  checkLanguage(start.language, has);
  checkPath(start.entry, has);
  const bytes = artifacts.get(start.artifactDigest);
  const odd = has('calls an artifact that it lacks an unknown language');
  if (!bytes) throw new Refusal(odd ? status.NOT_FOUND : status.FAILED_PRECONDITION, 'no such artifact');
  const prepared = runner.Bundle.decode(bytes).files;
  const files = has('loses the files of a run') ? prepared : withRunFiles(prepared, start.files, has);
  const entry = start.language === 'compiled' ? COMPILED_ENTRY : start.entry;
  return { files, program: programOf(files, entry) };
}

function withRunFiles(
  files: readonly runner.BundleFile[],
  bytes: Buffer,
  has: (fault: Fault) => boolean,
): runner.BundleFile[] {
  const more = runner.Bundle.decode(bytes).files;
  for (const { path } of more) {
    checkPath(path, has);
    const clashes = files.some((file) => path === file.path || path.startsWith(`${file.path}/`));
    if (clashes && !has('lets files of a run replace the program’s own'))
      throw new Refusal(status.INVALID_ARGUMENT, `${path} is taken`);
  }
  return [...more, ...files];
}

function limitsOf({ limits }: runner.Start) {
  return {
    wallTimeMs: limits?.wallTimeMs ?? DEFAULT_LIMITS.wallTimeMs,
    cpuTimeMs: limits?.cpuTimeMs ?? DEFAULT_LIMITS.cpuTimeMs,
    outputBytes: limits?.outputBytes ?? DEFAULT_LIMITS.outputBytes,
  };
}

function programOf(files: readonly runner.BundleFile[], entry: string): ProgramName {
  const source = files.find((file) => file.path === entry)?.content.toString();
  const program = PROGRAMS.find((name) => name === source);
  if (!program) throw new Refusal(status.INVALID_ARGUMENT, `the entry is no program: ${source}`);
  return program;
}

function isBroken(files: readonly runner.BundleFile[], entry: string): boolean {
  return programOf(files, entry) === 'broken';
}

function keep(artifacts: Map<string, Buffer>, bytes: Buffer): string {
  const digest = digestOf(bytes);
  artifacts.set(digest, bytes);
  return digest;
}

function checkLanguage(name: string, has: (fault: Fault) => boolean): void {
  if (name === 'pretended' || name === 'compiled' || has('takes unknown languages')) return;
  throw new Refusal(status.NOT_FOUND, `no language ${name}`);
}

function checkPath(path: string, has: (fault: Fault) => boolean): void {
  if (!path.startsWith('..') || has('takes paths that lead outside')) return;
  throw new Refusal(status.INVALID_ARGUMENT, `${path} leads outside`);
}

function describe(free: number, has: (fault: Fault) => boolean): runner.DescribeResponse {
  const language = (name: string, compiled: boolean) => ({
    name,
    compiled,
    terminal: true,
    title: name,
    version: '1.0',
    entry: 'main.txt',
    toolchain: `${name}-1.0`,
    defaultLimits: DEFAULT_LIMITS,
    maximumLimits: MAXIMUM_LIMITS,
  });
  return runner.DescribeResponse.fromPartial({
    languages: [language('pretended', false), language('compiled', true), ABSENT],
    slots: SLOTS,
    freeSlots: has('tells no slot as taken') ? SLOTS : Math.max(0, free),
    isolation: { driver: 'none', summary: 'none' },
    platform: has('describes no platform') ? '' : 'linux/x64',
  });
}
