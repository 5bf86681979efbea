/** The gRPC door: translate, call a use case, translate back. */
import {
  batchIdSchema,
  eventIdSchema,
  type execution,
  idempotencyKeySchema,
  jobIdSchema,
  RunlaneError,
} from '@runlane/contract';
import type { Log } from '@runlane/core';
import { z } from 'zod';
import type { Caller } from '../auth/caller.js';
import type { Command } from '../command.js';
import type { Submitted } from '../submit.js';
import { invalidRequest, validate } from '../validate.js';
import { readFirst, readInputs } from './attach.js';
import { toBatchEventMessage, toBatchMessage, toNewBatchInput } from './batch-proto.js';
import { toEventMessage, toJobMessage, toLanguageMessage, toNewJobInput, toStatusName } from './job-proto.js';
import { duplexStream, type Serving, serverStream, unary } from './server-stream.js';

const jobRequestSchema = z.object({ jobId: jobIdSchema });
const batchRequestSchema = z.object({ batchId: batchIdSchema });
const fileRequestSchema = z.object({ jobId: jobIdSchema, path: z.string() });
const watchRequestSchema = z.object({ jobId: jobIdSchema, afterEventId: z.union([z.literal(''), eventIdSchema]) });
const pageTokenSchema = z.object({ pageToken: z.union([z.literal(''), jobIdSchema]) });
const keySchema = z.object({ idempotencyKey: z.union([z.literal(''), idempotencyKeySchema]) });

const DEFAULT_PAGE = 50;
const LARGEST_PAGE = 100;

/** @param closing aborts when the server stops: streams end then, and clients go on after the last event elsewhere. */
export function createExecutionService(
  { metrics, submit, jobs, watch, attachments, files, languages, submitBatch, batches, watchBatch }: Command,
  callerOf: Serving['callerOf'],
  closing: AbortSignal,
  log: Log,
): execution.ExecutionServiceServer {
  const serving: Serving = { callerOf, called: metrics.called, log, closing };

  function accept(request: execution.SubmitRequest | execution.RunRequest, caller: Caller): Promise<Submitted> {
    const { idempotencyKey } = validate(keySchema, request);
    const body = toNewJobInput(request.program);
    return submit({ body, caller, idempotencyKey: idempotencyKey || undefined });
  }

  /** The job that an attachment's first request names or submits. */
  async function attached(
    requests: AsyncIterator<execution.AttachRequest, undefined>,
    caller: Caller,
    signal: AbortSignal,
  ): Promise<string> {
    const first = await readFirst(requests, signal);
    if (first.$case === 'jobId') return validate(jobRequestSchema, { jobId: first.value }).jobId;
    if (!first.value.program?.interactive)
      throw invalidRequest([{ field: 'program.interactive', reason: 'must be set, for a program to attach to' }]);
    return (await accept(first.value, caller)).view.job.id;
  }

  async function* follow(
    { ownerId }: Caller,
    jobId: string,
    after: string | undefined,
    signal: AbortSignal,
  ): AsyncIterable<execution.Event> {
    for await (const event of watch.watch(ownerId, jobId, after, signal)) yield toEventMessage(event);
  }

  return {
    submit: unary(async (request, caller) => ({ job: toJobMessage((await accept(request, caller)).view) }), serving),

    get: unary(async (request, { ownerId }) => {
      const { jobId } = validate(jobRequestSchema, request);
      return { job: toJobMessage(await jobs.get(ownerId, jobId)) };
    }, serving),

    list: unary(async (request, { ownerId }) => {
      const { pageToken } = validate(pageTokenSchema, request);
      if (request.pageSize > LARGEST_PAGE)
        throw invalidRequest([{ field: 'pageSize', reason: `must be at most ${LARGEST_PAGE}` }]);
      const status = toStatusName(request.status);
      if (!status && request.status !== 0) throw invalidRequest([{ field: 'status', reason: 'is not a status' }]);
      const page = await jobs.list({
        ownerId,
        limit: request.pageSize || DEFAULT_PAGE,
        before: pageToken || undefined,
        status,
        language: request.language || undefined,
      });
      const withoutOutput = page.jobs.map((view) => ({ ...toJobMessage(view), result: undefined }));
      return { jobs: withoutOutput, nextPageToken: page.next ?? '' };
    }, serving),

    cancel: unary(async (request, { ownerId }) => {
      const { jobId } = validate(jobRequestSchema, request);
      return { job: toJobMessage(await jobs.cancel(ownerId, jobId)) };
    }, serving),

    watch: serverStream(async function* (
      request: execution.WatchRequest,
      caller,
      signal,
    ): AsyncIterable<execution.WatchResponse> {
      const { jobId, afterEventId } = validate(watchRequestSchema, request);
      for await (const event of follow(caller, jobId, afterEventId || undefined, signal)) yield { event };
    }, serving),

    run: serverStream(async function* (
      request: execution.RunRequest,
      caller,
      signal,
    ): AsyncIterable<execution.RunResponse> {
      const { view } = await accept(request, caller);
      yield { step: { $case: 'job', value: toJobMessage(view) } };
      for await (const event of follow(caller, view.job.id, undefined, signal))
        yield { step: { $case: 'event', value: event } };
    }, serving),

    attach: duplexStream(
      async function* (
        requests: AsyncIterator<execution.AttachRequest, undefined>,
        caller,
        signal,
      ): AsyncIterable<execution.AttachResponse> {
        const attachment = await attachments.attach(caller.ownerId, await attached(requests, caller, signal));
        try {
          yield { step: { $case: 'job', value: toJobMessage(attachment.view) } };
          for await (const event of attachment.converse(readInputs(requests), signal))
            yield { step: { $case: 'event', value: toEventMessage(event) } };
        } finally {
          await attachment.leave();
        }
      },
      serving,
      new RunlaneError('ATTACHMENT_LOST', 'the server stops; the job is cancelled'),
    ),

    readFile: serverStream(
      async function* (request: execution.ReadFileRequest, { ownerId }): AsyncIterable<execution.ReadFileResponse> {
        const { jobId, path } = validate(fileRequestSchema, request);
        for await (const { buffer, byteOffset, length } of files.read(await files.find(ownerId, jobId, path)))
          yield { chunk: Buffer.from(buffer, byteOffset, length) };
      },
      serving,
      files.takeWithinMs,
    ),

    submitBatch: unary(async (request: execution.SubmitBatchRequest, caller) => {
      const { idempotencyKey } = validate(keySchema, request);
      const body = toNewBatchInput(request);
      const { view } = await submitBatch({ body, caller, idempotencyKey: idempotencyKey || undefined });
      return { batch: toBatchMessage(view) };
    }, serving),

    getBatch: unary(async (request, { ownerId }) => {
      const { batchId } = validate(batchRequestSchema, request);
      return { batch: toBatchMessage(await batches.get(ownerId, batchId)) };
    }, serving),

    cancelBatch: unary(async (request, { ownerId }) => {
      const { batchId } = validate(batchRequestSchema, request);
      return { batch: toBatchMessage(await batches.cancel(ownerId, batchId)) };
    }, serving),

    watchBatch: serverStream(async function* (
      request: execution.WatchBatchRequest,
      { ownerId },
      signal,
    ): AsyncIterable<execution.WatchBatchResponse> {
      const { batchId } = validate(batchRequestSchema, request);
      for await (const event of watchBatch(ownerId, batchId, signal)) yield toBatchEventMessage(event);
    }, serving),

    listLanguages: unary(async () => ({ languages: (await languages.all()).map(toLanguageMessage) }), serving),
  };
}
