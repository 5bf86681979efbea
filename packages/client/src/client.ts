/** The client: a method for each thing that the API does, and `run` and `execute` for what most callers want. */
import { type Attachment, type AttachOptions, attach } from './attach.js';
import { RunlaneError } from './error.js';
import { type BatchEvent, createToJobEvent, type JobEvent, toBatchEvent } from './events.js';
import { type ClientOptions, createHttp } from './http.js';
import type {
  ApiKey,
  ApiKeyPage,
  Batch,
  CreatedApiKey,
  Job,
  JobPage,
  Language,
  NewApiKey,
  NewBatch,
  NewJob,
  Status,
  System,
} from './json.js';
import { watch } from './watch.js';

export interface CallOptions {
  /** Ends the call; it throws the signal's reason then. */
  readonly signal?: AbortSignal | undefined;
}

export interface SubmitOptions extends CallOptions {
  /** Calls with the same key make one job (or batch) in 24 hours; a new key for each call without. */
  readonly idempotencyKey?: string;
}

export interface RunOptions extends SubmitOptions {
  /** Let the job run on when nobody follows it any more, rather than cancel it. */
  readonly detached?: boolean;
}

interface WatchOptions extends CallOptions {
  /** `id` of the last event that was seen. */
  readonly after?: string;
}

interface ListOptions extends CallOptions {
  /** 1 to 100; 50 without. */
  readonly limit?: number;
  /** `nextCursor` of the page before. */
  readonly cursor?: string;
  readonly status?: Status;
  readonly language?: string;
}

/** Every method throws `RunlaneError` where the server refuses, or is away for longer than the retries last. */
export interface Client {
  /** Runs a program and tells what happens, to its result. Leaving the loop before cancels the job. */
  run(job: NewJob, options?: RunOptions): AsyncGenerator<JobEvent, void, undefined>;
  /** Runs a program to its end: the finished job. An aborted signal cancels the job. */
  execute(job: NewJob, options?: RunOptions): Promise<Job>;
  /** Stores a job; from then on it will end, whatever happens. */
  submit(job: NewJob, options?: SubmitOptions): Promise<Job>;
  /** Tells what happened, happens and will happen in a job, to its result; leaving it cancels nothing. */
  watch(id: string, options?: WatchOptions): AsyncGenerator<JobEvent, void, undefined>;
  /** The job as it is now; with a `result` once it has ended. */
  get(id: string, options?: CallOptions): Promise<Job>;
  /** The job once it has ended. */
  wait(id: string, options?: CallOptions): Promise<Job>;
  /** Records the wish; the status says when the job has ended. */
  cancel(id: string, options?: CallOptions): Promise<Job>;
  /** Jobs, newest first, without their results. */
  list(options?: ListOptions): Promise<JobPage>;
  /** A file that the program left: `await (await client.file(id, path)).arrayBuffer()`, or its `body` as it comes. */
  file(id: string, path: string, options?: CallOptions): Promise<Response>;
  /** Where that file is; a server that wants a key wants it there as well. */
  fileUrl(id: string, path: string): string;
  /** Talks to a job that was submitted as `interactive`. */
  attach(id: string, options?: AttachOptions): Promise<Attachment>;
  submitBatch(batch: NewBatch, options?: SubmitOptions): Promise<Batch>;
  batch(id: string, options?: CallOptions): Promise<Batch>;
  watchBatch(id: string, options?: CallOptions): AsyncGenerator<BatchEvent, void, undefined>;
  cancelBatch(id: string, options?: CallOptions): Promise<Batch>;
  languages(options?: CallOptions): Promise<Language[]>;
  system(options?: CallOptions): Promise<System>;
  /** Makes an API key, which is told this once. It and the next two need the scope `admin`. */
  createKey(key: NewApiKey, options?: CallOptions): Promise<CreatedApiKey>;
  listKeys(options?: CallOptions & { readonly cursor?: string }): Promise<ApiKeyPage>;
  /** At once and for good. */
  revokeKey(id: string, options?: CallOptions): Promise<ApiKey>;
}

/** As long as a server lets somebody wait for an answer. */
const WAIT_SECONDS = 60;

export function createClient(options: ClientOptions = {}): Client {
  const http = createHttp(options);

  function post<T>(path: string, body: unknown, { signal, idempotencyKey }: SubmitOptions, headers = {}): Promise<T> {
    // Without a key, a request whose answer was lost could not be sent again.
    const key = idempotencyKey ?? newKey();
    return http.json(path, { method: 'POST', body, signal, headers: { 'Idempotency-Key': key, ...headers } });
  }

  /** Where its answer is not waited for any more, there may be a job all the same: it is cancelled. */
  async function submitToCancel(job: NewJob, options: RunOptions, headers = {}): Promise<Job> {
    const idempotencyKey = options.idempotencyKey ?? newKey();
    try {
      return await post('/v1/jobs', job, { ...options, idempotencyKey }, headers);
    } catch (error) {
      const isAborted = options.signal?.aborted && !options.detached;
      // The same key tells which. Whoever aborted is not kept waiting for it.
      if (isAborted)
        void client
          .submit(job, { idempotencyKey })
          .then(({ id }) => client.cancel(id))
          .catch(() => undefined);
      throw error;
    }
  }

  const client: Client = {
    async *run(job, options = {}) {
      const accepted = await submitToCancel(job, options);
      let isOver = false;
      try {
        yield { type: 'accepted', job: accepted };
        for await (const event of client.watch(accepted.id, options)) {
          isOver = event.type === 'result';
          yield event;
        }
      } catch (error) {
        // Nobody left: it is the way to the job that was lost.
        isOver = !options.signal?.aborted;
        throw aboutJob(error, accepted);
      } finally {
        if (!isOver && !options.detached) await client.cancel(accepted.id).catch(() => undefined);
      }
    },

    async execute(job, options = {}) {
      // Its answer is the result already, where that comes soon.
      const accepted = await submitToCancel(job, options, { Prefer: `wait=${WAIT_SECONDS}` });
      if (accepted.result) return accepted;
      try {
        return await client.wait(accepted.id, options);
      } catch (error) {
        const hasLeft = options.signal?.aborted && !options.detached;
        if (hasLeft) await client.cancel(accepted.id).catch(() => undefined);
        throw aboutJob(error, accepted);
      }
    },

    submit: (job, options = {}) => post('/v1/jobs', job, options),

    async *watch(id, { after, signal } = {}) {
      const toJobEvent = createToJobEvent();
      for await (const told of watch(http, { path: `${jobPath(id)}/events`, last: 'result', after, signal })) {
        const event = toJobEvent(told);
        if (event) yield event;
      }
    },

    get: (id, { signal } = {}) => http.json(jobPath(id), { signal }),

    async wait(id, options) {
      for await (const event of client.watch(id, options)) if (event.type === 'result') return event.job;
      return client.get(id, options);
    },

    cancel: (id, { signal } = {}) => http.json(`${jobPath(id)}/cancel`, { method: 'POST', signal }),

    list({ signal, ...query } = {}) {
      const words = new URLSearchParams();
      for (const [name, value] of Object.entries(query)) words.set(name, String(value));
      return http.json(`/v1/jobs?${words}`, { signal });
    },

    file: (id, path, { signal } = {}) => http.send(filePath(id, path), { signal }),

    fileUrl: (id, path) => `${http.server}${filePath(id, path)}`,

    attach: (id, options = {}) => attach(`${http.server}${jobPath(id)}/attach`, http.socketProtocols, options),

    submitBatch: (batch, options = {}) => post('/v1/batches', batch, options),

    batch: (id, { signal } = {}) => http.json(batchPath(id), { signal }),

    async *watchBatch(id, { signal } = {}) {
      // A watch that begins again begins with what has ended already.
      const ended = new Set<number>();
      for await (const told of watch(http, { path: `${batchPath(id)}/events`, last: 'done', signal })) {
        const event = toBatchEvent(told);
        if (event && !(event.type === 'job' && ended.has(event.index))) yield event;
        if (event?.type === 'job') ended.add(event.index);
      }
    },

    cancelBatch: (id, { signal } = {}) => http.json(`${batchPath(id)}/cancel`, { method: 'POST', signal }),

    async languages({ signal } = {}) {
      const answer = await http.json<{ languages?: Language[] } | null>('/v1/languages', { signal });
      if (Array.isArray(answer?.languages)) return answer.languages;
      throw new RunlaneError('UNEXPECTED_ANSWER', `what answers at ${http.server} is something else`);
    },

    system: ({ signal } = {}) => http.json('/v1/system', { signal }),

    // Sent once: a second key for a lost answer would be one that nobody knows of.
    createKey: (key, { signal } = {}) => http.json('/v1/keys', { method: 'POST', body: key, signal, once: true }),

    listKeys: ({ signal, cursor } = {}) =>
      http.json(`/v1/keys${cursor === undefined ? '' : `?cursor=${encodeURIComponent(cursor)}`}`, { signal }),

    revokeKey: (id, { signal } = {}) =>
      http.json(`/v1/keys/${encodeURIComponent(id)}/revoke`, { method: 'POST', signal }),
  };
  return client;
}

const jobPath = (id: string) => `/v1/jobs/${encodeURIComponent(id)}`;
const filePath = (id: string, path: string) =>
  `${jobPath(id)}/files/${path.split('/').map(encodeURIComponent).join('/')}`;
const batchPath = (id: string) => `/v1/batches/${encodeURIComponent(id)}`;

/** So that whoever catches it can find the job again. */
function aboutJob(error: unknown, { id }: Job): unknown {
  if (error instanceof RunlaneError) error.jobId = id;
  return error;
}

/** Not `randomUUID`: browsers have that for pages of HTTPS and localhost alone. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(36)).join('-');
}
