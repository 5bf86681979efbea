/** The two doors, made alike: a scenario is run through both and must end the same. */
import { Metadata, type ServiceError } from '@grpc/grpc-js';
import { execution, type JobJson, types } from '@runlane/contract';
import type { Platform } from './platforms.js';

/** How a job ended, whichever door told. */
export interface Ended {
  readonly id: string;
  readonly status: string;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  readonly stdoutTruncated: boolean;
  readonly attempt: number;
  readonly wallTimeMs: number;
  readonly cpuTimeMs: number;
  readonly memoryPeakBytes: number;
  readonly isolation: string;
}

/** Output as it arrived, with the time since the stream was opened, in milliseconds. */
interface Arrived {
  readonly text: string;
  readonly atMs: number;
}

interface Watched {
  readonly ended: Ended;
  readonly stdout: readonly Arrived[];
  readonly endedAtMs: number;
}

/** A program as REST's JSON; the gRPC door translates it. */
export interface ProgramJson {
  readonly language?: string;
  readonly code?: string;
  readonly files?: readonly { readonly path: string; readonly content: string }[];
  readonly entry?: string;
  readonly stdin?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly limits?: Readonly<Record<string, number>>;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A refusal: the stable code and the words. */
export class Refused extends Error {
  constructor(
    readonly code: string,
    message: string,
    /** REST only. */
    readonly httpStatus?: number,
  ) {
    super(message);
  }
}

export interface Door {
  readonly name: string;
  /** The new job's id. */
  submit(program: ProgramJson, idempotencyKey?: string): Promise<string>;
  get(id: string): Promise<Ended>;
  cancel(id: string): Promise<void>;
  watch(id: string): Promise<Watched>;
}

export function restDoor({ baseUrl }: Pick<Platform, 'baseUrl'>): Door {
  async function ask(path: string, init?: RequestInit): Promise<Response> {
    const response = await fetch(`${baseUrl}${path}`, init);
    if (response.ok) return response;
    const { code, detail } = (await response.json()) as { code: string; detail: string };
    throw new Refused(code, detail, response.status);
  }
  return {
    name: 'REST',
    async submit(program, key) {
      const headers = { 'Content-Type': 'application/json', ...(key && { 'Idempotency-Key': key }) };
      const response = await ask('/v1/jobs', { method: 'POST', headers, body: JSON.stringify(program) });
      return ((await response.json()) as JobJson).id;
    },
    get: async (id) => fromJson((await (await ask(`/v1/jobs/${id}`)).json()) as JobJson),
    cancel: async (id) => void (await ask(`/v1/jobs/${id}/cancel`, { method: 'POST' })),
    async watch(id) {
      const openedAtMs = performance.now();
      const stdout: Arrived[] = [];
      for await (const { event, data } of readEvents(await ask(`/v1/jobs/${id}/events`))) {
        const atMs = performance.now() - openedAtMs;
        if (event === 'stdout') stdout.push({ text: String(data.text), atMs });
        if (event === 'result') return { ended: fromJson(data as unknown as JobJson), stdout, endedAtMs: atMs };
      }
      throw new Error('the stream ended without a result');
    },
  };
}

export interface SentEvent {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: Record<string, unknown>;
}

/** The events of a `text/event-stream`. */
export async function* readEvents(response: Response): AsyncGenerator<SentEvent> {
  let text = '';
  if (!response.body) return;
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const fields = new Map(
        text
          .slice(0, end)
          .split('\n')
          .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)] as const),
      );
      text = text.slice(end + 2);
      const event = fields.get('event');
      if (event) yield { id: fields.get('id'), event, data: JSON.parse(fields.get('data') ?? '{}') };
    }
  }
}

function fromJson({ id, status, attempt, result }: JobJson): Ended {
  const bytes = (text = '', encoding?: 'base64') => Buffer.from(text, encoding ?? 'utf8');
  return {
    id,
    status,
    attempt,
    exitCode: result?.exitCode ?? null,
    signal: result?.signal ?? null,
    stdout: bytes(result?.stdout, result?.stdoutEncoding),
    stderr: bytes(result?.stderr, result?.stderrEncoding),
    stdoutTruncated: result?.stdoutTruncated ?? false,
    wallTimeMs: result?.wallTimeMs ?? 0,
    cpuTimeMs: result?.cpuTimeMs ?? 0,
    memoryPeakBytes: result?.memoryPeakBytes ?? 0,
    isolation: result?.isolation ?? '',
  };
}

export function grpcDoor({ client }: Pick<Platform, 'client'>): Door {
  return {
    name: 'gRPC',
    async submit(program, idempotencyKey = '') {
      const request = execution.SubmitRequest.fromPartial({ program: toMessage(program), idempotencyKey });
      const { job } = await unary<execution.SubmitResponse>((done) => client.submit(request, done));
      return job?.id ?? '';
    },
    async get(jobId) {
      const { job } = await unary<execution.GetResponse>((done) => client.get({ jobId }, done));
      return fromMessage(job);
    },
    cancel: async (jobId) => void (await unary<execution.CancelResponse>((done) => client.cancel({ jobId }, done))),
    async watch(jobId) {
      const openedAtMs = performance.now();
      const stdout: Arrived[] = [];
      const stream = client.watch({ jobId, afterEventId: '' }) as AsyncIterable<execution.WatchResponse>;
      for await (const { event } of stream) {
        const atMs = performance.now() - openedAtMs;
        if (event?.event?.$case === 'stdout') stdout.push({ text: event.event.value.toString(), atMs });
        if (event?.event?.$case === 'result') return { ended: fromMessage(event.event.value), stdout, endedAtMs: atMs };
      }
      throw new Error('the stream ended without a result');
    },
  };
}

/** A call's answer, or its refusal by the stable code in the metadata. */
export function unary<T>(call: (done: (error: ServiceError | null, response: T) => void) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, response) => {
      if (!error) return resolve(response);
      const metadata = error.metadata ?? new Metadata();
      reject(new Refused(String(metadata.get('runlane-code')[0] ?? error.code), error.details));
    });
  });
}

function toMessage({ files, stdin, ...program }: ProgramJson): execution.Program {
  return execution.Program.fromPartial({
    ...program,
    args: [...(program.args ?? [])],
    files: files?.map(({ path, content }) => ({ path, content: Buffer.from(content) })) ?? [],
    stdin: Buffer.from(stdin ?? ''),
  });
}

function fromMessage(job: execution.Job | undefined): Ended {
  const result = job?.result;
  return {
    id: job?.id ?? '',
    status: types.JobStatus[job?.status ?? 0]?.toLowerCase() ?? '',
    attempt: job?.attempt ?? 0,
    exitCode: result?.exitCode ?? null,
    signal: result?.signal ?? null,
    stdout: result?.stdout ?? Buffer.alloc(0),
    stderr: result?.stderr ?? Buffer.alloc(0),
    stdoutTruncated: result?.stdoutTruncated ?? false,
    wallTimeMs: result?.wallTimeMs ?? 0,
    cpuTimeMs: result?.cpuTimeMs ?? 0,
    memoryPeakBytes: result?.memoryPeakBytes ?? 0,
    isolation: result?.isolation ?? '',
  };
}
