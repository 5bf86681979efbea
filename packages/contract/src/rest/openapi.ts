/** The OpenAPI document, made from the schemas that validate. */
import { OpenAPIRegistry, OpenApiGeneratorV31, type RouteConfig } from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';
import { ERRORS, type ErrorCode } from '../errors.js';
import {
  apiKeyPageSchema,
  apiKeySchema,
  createdApiKeySchema,
  keyListQuerySchema,
  keyParamsSchema,
  newApiKeySchema,
} from './keys.js';
import {
  attachMessageSchema,
  batchEventIdSchema,
  batchParamsSchema,
  eventIdSchema,
  execResultQuerySchema,
  fileParamsSchema,
  idempotencyKeySchema,
  jobParamsSchema,
  listQuerySchema,
  MAX_BATCH_BYTES,
  newBatchSchema,
  newJobSchema,
  submitCodeSchema,
} from './requests.js';
import {
  batchSchema,
  deliveriesSchema,
  execResultSchema,
  jobEventSchema,
  jobPageSchema,
  jobSchema,
  languagesSchema,
  platformStatusSchema,
  problemSchema,
  submittedSchema,
  systemSchema,
} from './responses.js';

/** Codes that any route may answer with. */
const ANYWHERE: readonly ErrorCode[] = [
  'FORBIDDEN_ORIGIN',
  'MISDIRECTED_HOST',
  'METHOD_NOT_ALLOWED',
  'HEADERS_TOO_LARGE',
  'INTERNAL',
];
const SUBMITTING: readonly ErrorCode[] = [
  'INVALID_REQUEST',
  'PAYLOAD_TOO_LARGE',
  'UNSUPPORTED_MEDIA_TYPE',
  'QUEUE_FULL',
  'RUNNER_UNAVAILABLE',
  'STORE_UNAVAILABLE',
];
/** And with `AUTH=keys` any but the probes. */
const WITH_KEYS: readonly ErrorCode[] = ['UNAUTHENTICATED', 'FORBIDDEN', 'RATE_LIMITED'];
const LIMITED: readonly ErrorCode[] = ['JOB_LIMIT_REACHED', 'QUOTA_EXCEEDED'];
const IDEMPOTENT: readonly ErrorCode[] = ['IDEMPOTENCY_IN_FLIGHT', 'IDEMPOTENCY_MISMATCH'];
const READING: readonly ErrorCode[] = ['INVALID_REQUEST', 'STORE_UNAVAILABLE'];
/** Where there are no keys, their routes are not there either. */
const KEYS: readonly ErrorCode[] = [...READING, 'NOT_FOUND'];
const ONE_JOB: readonly ErrorCode[] = [...READING, 'JOB_NOT_FOUND'];
const ONE_BATCH: readonly ErrorCode[] = [...READING, 'BATCH_NOT_FOUND'];

const json = (schema: z.ZodType, description: string, headers?: z.ZodObject) => ({
  description,
  content: { 'application/json': { schema } },
  ...(headers && { headers }),
});

function problems(codes: readonly ErrorCode[]): RouteConfig['responses'] {
  const all = [...new Set([...codes, ...ANYWHERE])];
  const withStatus = (status: number) => all.filter((code) => ERRORS[code].http === status);
  return Object.fromEntries(
    all.map((code) => [
      ERRORS[code].http,
      {
        description: withStatus(ERRORS[code].http)
          .map((each) => `\`${each}\`: ${ERRORS[each].title}.`)
          .join(' '),
        content: { 'application/problem+json': { schema: problemSchema } },
      },
    ]),
  );
}

/** One of a stream, as it is written. */
const sentEventSchema = z
  .object({
    id: z.string().optional(),
    event: z.string(),
    data: z.string().meta({ description: 'JSON.' }),
  })
  .meta({ id: 'SentEvent', description: 'A server-sent event; the description of the route tells which there are.' });

const locationOf = (what: string) => z.object({ Location: z.string().meta({ description: `Where the ${what} is.` }) });
const location = locationOf('job');
const idempotencyKeyOf = (what: string) =>
  idempotencyKeySchema.optional().meta({
    description: `The same key with the same body gives the same ${what} for 24 hours; the answer then has \`Idempotency-Replayed: true\`.`,
  });

/** @param version of Runlane. */
export function createOpenApiDocument(version: string) {
  const registry = new OpenAPIRegistry();
  registry.registerComponent('securitySchemes', 'key', {
    type: 'http',
    scheme: 'bearer',
    description: 'An API key, where the server wants one (`AUTH=keys`).',
  });
  const route = (
    config: Omit<RouteConfig, 'responses'>,
    answers: RouteConfig['responses'],
    codes: readonly ErrorCode[],
  ) => registry.registerPath({ ...config, responses: { ...answers, ...problems([...codes, ...WITH_KEYS]) } });
  /** With one example that is accepted as it is: put together from those of all fields, it would hold what excludes each other. */
  const body = <T extends z.ZodType>(schema: T, example: z.input<T>) => ({
    body: { required: true, content: { 'application/json': { schema, example } } },
  });

  route(
    {
      method: 'post',
      path: '/submit-code',
      operationId: 'submitCode',
      tags: ['Simple'],
      summary: 'Run a program in one file',
      request: body(submitCodeSchema, { code: "print('Hello, World!')" }),
    },
    { 202: json(submittedSchema, 'The job is stored and will end.', location) },
    [...SUBMITTING, ...LIMITED],
  );
  route(
    {
      method: 'get',
      path: '/exec-result',
      operationId: 'execResult',
      tags: ['Simple'],
      summary: 'What became of it',
      request: { query: execResultQuerySchema },
    },
    { 200: json(execResultSchema, 'The status, and once it is final, output and exit code.') },
    ONE_JOB,
  );
  route(
    {
      method: 'post',
      path: '/v1/jobs',
      operationId: 'createJob',
      tags: ['Jobs'],
      summary: 'Run a program',
      request: {
        ...body(newJobSchema, { language: 'python', code: 'print("Hello,", input())', stdin: 'World\n' }),
        headers: z.object({
          'Idempotency-Key': idempotencyKeyOf('job'),
          Prefer: z.string().optional().meta({
            description:
              '`wait=N` answers with the finished job if it ends within N seconds, at most 60; `wait` alone means 60.',
            example: 'wait=10',
          }),
        }),
      },
    },
    {
      200: json(jobSchema, 'The finished job, when `Prefer: wait` was given and it ended in time.', location),
      202: json(jobSchema, 'The job is stored and will end.', location),
    },
    [...SUBMITTING, ...LIMITED, ...IDEMPOTENT],
  );
  route(
    {
      method: 'get',
      path: '/v1/jobs',
      operationId: 'listJobs',
      tags: ['Jobs'],
      summary: 'Jobs, newest first',
      request: { query: listQuerySchema },
    },
    { 200: json(jobPageSchema, 'A page of jobs.') },
    READING,
  );
  route(
    {
      method: 'get',
      path: '/v1/jobs/{id}',
      operationId: 'getJob',
      tags: ['Jobs'],
      summary: 'A job as it is now',
      request: { params: jobParamsSchema },
    },
    { 200: json(jobSchema, 'The job.') },
    ONE_JOB,
  );
  route(
    {
      method: 'post',
      path: '/v1/jobs/{id}/cancel',
      operationId: 'cancelJob',
      tags: ['Jobs'],
      summary: 'End a job',
      request: { params: jobParamsSchema },
    },
    {
      202: json(
        jobSchema,
        'The wish is recorded; the status tells when the job has ended. A job that had ended stays as it is.',
      ),
    },
    ONE_JOB,
  );
  route(
    {
      method: 'get',
      path: '/v1/jobs/{id}/events',
      operationId: 'watchJob',
      tags: ['Jobs'],
      summary: 'Follow a job',
      description:
        'Server-sent events, data in JSON: `status` {status}, `stdout` and `stderr` {text, encoding?}, `case` (in test mode, each as it ' +
        'is judged, and no output: {index, name?, verdict, wallTimeMs, cpuTimeMs, memoryPeakBytes}), `result` (the job), `gap` {} ' +
        'where events were lost (the whole output is in the result). A `status` of `running` begins a new attempt: drop the output of an ' +
        'earlier one. The stream ends after `result`. Leaving it does not cancel the job.',
      request: {
        params: jobParamsSchema,
        headers: z.object({
          'Last-Event-ID': z
            .union([z.literal(''), eventIdSchema])
            .optional()
            .meta({ description: 'Go on after this event.', example: '1-7' }),
        }),
      },
    },
    {
      204: { description: '`Last-Event-ID` was the result: there is nothing more.' },
      200: { description: 'The events.', content: { 'text/event-stream': { schema: sentEventSchema } } },
    },
    ONE_JOB,
  );
  route(
    {
      method: 'get',
      path: '/v1/jobs/{id}/attach',
      operationId: 'attachJob',
      tags: ['Jobs'],
      summary: 'Talk to a program while it runs',
      description:
        'A WebSocket, for a job that was submitted with `interactive`: once for each job. The client sends `AttachMessage` as text ' +
        'frames, or standard input as binary frames of at most 64 KiB; the server sends `JobEvent` as text frames, and closes with ' +
        '1000 after `result`. Leaving it earlier cancels the job. A job that has ended tells its result.',
      request: { params: jobParamsSchema },
    },
    { 101: { description: 'The WebSocket is open.' } },
    [...ONE_JOB, 'JOB_NOT_INTERACTIVE', 'ALREADY_ATTACHED', 'ATTACHMENT_LOST'],
  );
  route(
    {
      method: 'get',
      path: '/v1/jobs/{id}/files/{path}',
      operationId: 'readFile',
      tags: ['Jobs'],
      summary: 'A file that the program left',
      description:
        'The bytes of a file of the result, with the content type that the result says. Browsers get it as a download, never ' +
        'as a page; PNG, JPEG, GIF and WebP are shown in place. `HEAD` answers from the result alone, whether the bytes are still kept ' +
        'or not. An answer that breaks off is to be asked for again: the reader was too slow, or the bytes turned out to be damaged.',
      request: {
        params: fileParamsSchema,
        headers: z.object({
          'If-None-Match': z.string().optional().meta({ description: 'The `ETag` of what the client has already.' }),
        }),
      },
    },
    {
      200: {
        description: 'The bytes.',
        content: { 'application/octet-stream': { schema: z.string().meta({ format: 'binary' }) } },
        headers: z.object({
          ETag: z.string().meta({ description: 'The SHA-256 of the bytes, in quotes.' }),
          'Content-Disposition': z
            .string()
            .meta({ description: '`attachment`, or `inline` for a picture, with its name.' }),
        }),
      },
      304: { description: 'The client has these bytes already.' },
    },
    [...ONE_JOB, 'NOT_FOUND', 'JOB_NOT_ENDED', 'FILE_GONE', 'TOO_MANY_DOWNLOADS'],
  );
  route(
    {
      method: 'get',
      path: '/v1/jobs/{id}/deliveries',
      operationId: 'listDeliveries',
      tags: ['Jobs'],
      summary: 'How telling its end to its callback goes',
      description: 'Only of a job with a `callbackUrl`.',
      request: { params: jobParamsSchema },
    },
    { 200: json(deliveriesSchema, 'Every attempt so far, and when the next one is.') },
    [...ONE_JOB, 'NOT_FOUND'],
  );
  route(
    {
      method: 'post',
      path: '/v1/batches',
      operationId: 'createBatch',
      tags: ['Batches'],
      summary: 'Run many programs',
      description:
        `All jobs are accepted, or none. A bad field is named with its job, such as \`jobs[3].code\`. The body may have at most ` +
        `${MAX_BATCH_BYTES / 1024 / 1024} MiB.`,
      request: {
        ...body(newBatchSchema, { jobs: [{ code: 'print(1)' }, { code: 'print(2)' }] }),
        headers: z.object({ 'Idempotency-Key': idempotencyKeyOf('batch') }),
      },
    },
    { 202: json(batchSchema, 'All jobs are stored and will end.', locationOf('batch')) },
    [...SUBMITTING, ...LIMITED, ...IDEMPOTENT],
  );
  route(
    {
      method: 'get',
      path: '/v1/batches/{id}',
      operationId: 'getBatch',
      tags: ['Batches'],
      summary: 'A batch as it is now',
      request: { params: batchParamsSchema },
    },
    { 200: json(batchSchema, 'The batch.') },
    ONE_BATCH,
  );
  route(
    {
      method: 'get',
      path: '/v1/batches/{id}/events',
      operationId: 'watchBatch',
      tags: ['Batches'],
      summary: 'Follow a batch',
      description:
        'Server-sent events, data in JSON: `job` {index, id, status} as each job ends, in the order in which they do; `progress` ' +
        '{total, finished, counts} when that has changed, at most a few times a second; `done` (the batch) when all have ended, which ' +
        'is the last. A watch begins with the jobs that have ended already, so one that was broken off is simply begun again. ' +
        'Leaving it does not cancel the batch.',
      request: {
        params: batchParamsSchema,
        headers: z.object({
          'Last-Event-ID': z
            .union([z.literal(''), batchEventIdSchema])
            .optional()
            .meta({ description: 'The id of `done`, the only event that has one.', example: 'done' }),
        }),
      },
    },
    {
      204: { description: '`Last-Event-ID` was that of `done`: there is nothing more.' },
      200: { description: 'The events.', content: { 'text/event-stream': { schema: sentEventSchema } } },
    },
    ONE_BATCH,
  );
  route(
    {
      method: 'post',
      path: '/v1/batches/{id}/cancel',
      operationId: 'cancelBatch',
      tags: ['Batches'],
      summary: 'End all jobs of a batch',
      request: { params: batchParamsSchema },
    },
    {
      202: json(batchSchema, 'The wish is recorded for every job that had not ended; those that had stay as they are.'),
    },
    ONE_BATCH,
  );
  route(
    {
      method: 'get',
      path: '/v1/languages',
      operationId: 'listLanguages',
      tags: ['Platform'],
      summary: 'What can be run',
    },
    { 200: json(languagesSchema, 'The languages, by name.') },
    ['STORE_UNAVAILABLE'],
  );
  route(
    {
      method: 'get',
      path: '/v1/system',
      operationId: 'getSystem',
      tags: ['Platform'],
      summary: 'What runs programs here',
    },
    { 200: json(systemSchema, 'Runners and their isolation.') },
    ['STORE_UNAVAILABLE'],
  );

  route(
    {
      method: 'get',
      path: '/admin/status',
      operationId: 'getStatus',
      tags: ['Platform'],
      summary: 'How the platform fares',
      description: 'Needs the scope `admin`. `/admin` shows it as a page.',
    },
    { 200: json(platformStatusSchema, 'What waits, who works, and what runs programs.') },
    ['STORE_UNAVAILABLE'],
  );
  route(
    {
      method: 'post',
      path: '/v1/keys',
      operationId: 'createKey',
      tags: ['Keys'],
      summary: 'Make an API key',
      description: 'Needs the scope `admin`.',
      request: body(newApiKeySchema, { name: 'course site', limits: { requestsPerMinute: 600 } }),
    },
    { 201: json(createdApiKeySchema, 'The key, which is told this once.') },
    [...KEYS, 'PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'],
  );
  route(
    {
      method: 'get',
      path: '/v1/keys',
      operationId: 'listKeys',
      tags: ['Keys'],
      summary: 'All API keys, without the keys themselves',
      description: 'Needs the scope `admin`.',
      request: { query: keyListQuerySchema },
    },
    { 200: json(apiKeyPageSchema, 'A page of keys.') },
    KEYS,
  );
  route(
    {
      method: 'post',
      path: '/v1/keys/{id}/revoke',
      operationId: 'revokeKey',
      tags: ['Keys'],
      summary: 'Revoke an API key, at once and for good',
      description: 'Needs the scope `admin`.',
      request: { params: keyParamsSchema },
    },
    { 200: json(apiKeySchema, 'The key, which is not taken any more.') },
    [...KEYS, 'KEY_NOT_FOUND'],
  );

  const probe = (path: string, operationId: string, summary: string, answers: RouteConfig['responses']) =>
    registry.registerPath({
      method: 'get',
      path,
      operationId,
      tags: ['Platform'],
      summary,
      security: [],
      responses: { ...answers, ...problems([]) },
    });
  probe('/healthz', 'isAlive', 'Whether the process serves', { 200: { description: 'It does.' } });
  probe('/readyz', 'isReady', 'Whether jobs can be run', {
    200: { description: 'The store answers and a runner is there.' },
    503: { description: 'Something is away; `checks` names it.' },
  });

  // What goes over a WebSocket belongs to no route that OpenAPI could describe.
  const messages = [attachMessageSchema, jobEventSchema].map((schema) => ({ type: 'schema' as const, schema }));
  return new OpenApiGeneratorV31([...registry.definitions, ...messages]).generateDocument({
    openapi: '3.1.0',
    info: {
      title: 'Runlane',
      version,
      description:
        'Runs code that nobody has reviewed. Programs run at least once, have one result, and nothing that was accepted is ever lost.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ key: [] }, {}],
  });
}
