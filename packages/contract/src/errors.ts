/** Every way a request can fail, and how each door says so. Codes are public: add, never rename. */
import { status } from '@grpc/grpc-js';

// biome-ignore format: a table
export const ERRORS = {
  INVALID_REQUEST:        { http: 400, grpc: status.INVALID_ARGUMENT,    retryable: false, title: 'The request is not valid' },
  UNAUTHENTICATED:        { http: 401, grpc: status.UNAUTHENTICATED,     retryable: false, title: 'An API key is needed' },
  FORBIDDEN:              { http: 403, grpc: status.PERMISSION_DENIED,   retryable: false, title: 'The key does not allow this' },
  FORBIDDEN_ORIGIN:       { http: 403, grpc: status.PERMISSION_DENIED,   retryable: false, title: 'Requests from this page are not allowed' },
  NOT_FOUND:              { http: 404, grpc: status.NOT_FOUND,           retryable: false, title: 'There is nothing here' },
  JOB_NOT_FOUND:          { http: 404, grpc: status.NOT_FOUND,           retryable: false, title: 'There is no such job' },
  BATCH_NOT_FOUND:        { http: 404, grpc: status.NOT_FOUND,           retryable: false, title: 'There is no such batch' },
  KEY_NOT_FOUND:          { http: 404, grpc: status.NOT_FOUND,           retryable: false, title: 'There is no such key' },
  METHOD_NOT_ALLOWED:     { http: 405, grpc: status.UNIMPLEMENTED,       retryable: false, title: 'The method is not allowed here' },
  ALREADY_ATTACHED:       { http: 409, grpc: status.ALREADY_EXISTS,      retryable: false, title: 'Somebody is, or was, attached to this job' },
  JOB_NOT_INTERACTIVE:    { http: 409, grpc: status.FAILED_PRECONDITION, retryable: false, title: 'The job takes no input while it runs' },
  JOB_NOT_ENDED:          { http: 409, grpc: status.FAILED_PRECONDITION, retryable: true,  title: 'The job has not ended yet' },
  IDEMPOTENCY_IN_FLIGHT:  { http: 409, grpc: status.ABORTED,             retryable: true,  title: 'The first request with this key is still being accepted' },
  FILE_GONE:              { http: 410, grpc: status.DATA_LOSS,           retryable: false, title: 'The file is no longer kept' },
  PAYLOAD_TOO_LARGE:      { http: 413, grpc: status.RESOURCE_EXHAUSTED,  retryable: false, title: 'The request is too large' },
  UNSUPPORTED_MEDIA_TYPE: { http: 415, grpc: status.INVALID_ARGUMENT,    retryable: false, title: 'The content type is not supported' },
  MISDIRECTED_HOST:       { http: 421, grpc: status.PERMISSION_DENIED,   retryable: false, title: 'This server does not answer to that host name' },
  IDEMPOTENCY_MISMATCH:   { http: 422, grpc: status.FAILED_PRECONDITION, retryable: false, title: 'The key was used with another request' },
  RATE_LIMITED:           { http: 429, grpc: status.RESOURCE_EXHAUSTED,  retryable: true,  title: 'The key makes too many requests' },
  JOB_LIMIT_REACHED:      { http: 429, grpc: status.RESOURCE_EXHAUSTED,  retryable: true,  title: 'Too many jobs of the key are unfinished' },
  QUOTA_EXCEEDED:         { http: 429, grpc: status.RESOURCE_EXHAUSTED,  retryable: true,  title: 'The processor time of a day is used up' },
  HEADERS_TOO_LARGE:      { http: 431, grpc: status.RESOURCE_EXHAUSTED,  retryable: false, title: 'The request headers are too large' },
  CANCELLED:              { http: 499, grpc: status.CANCELLED,           retryable: false, title: 'The caller went away' },
  INTERNAL:               { http: 500, grpc: status.INTERNAL,            retryable: false, title: 'Something went wrong on our side' },
  ATTACHMENT_LOST:        { http: 503, grpc: status.UNAVAILABLE,         retryable: false, title: 'The way to the program was lost, and the job is cancelled' },
  QUEUE_FULL:             { http: 503, grpc: status.RESOURCE_EXHAUSTED,  retryable: true,  title: 'Too many jobs are waiting' },
  TOO_MANY_DOWNLOADS:     { http: 503, grpc: status.RESOURCE_EXHAUSTED,  retryable: true,  title: 'Too many files are being read' },
  RUNNER_UNAVAILABLE:     { http: 503, grpc: status.UNAVAILABLE,         retryable: true,  title: 'No runner is available' },
  STORE_UNAVAILABLE:      { http: 503, grpc: status.UNAVAILABLE,         retryable: true,  title: 'The job store does not answer' },
} as const;

export type ErrorCode = keyof typeof ERRORS;

/** One bad field of a request: where, what is wrong, and what would be right. */
export interface FieldProblem {
  /** Path of the field, such as "limits.wallTimeMs" or "files[2].path"; "" for the request as a whole. */
  readonly field: string;
  readonly reason: string;
}

export interface RunlaneErrorOptions extends ErrorOptions {
  readonly fields?: readonly FieldProblem[];
  /** When a retry may succeed, in whole seconds. */
  readonly retryAfterSeconds?: number;
}

/** We could not do as asked. A program that crashes is not one: it was run well, and its job ends `failed`. */
export class RunlaneError extends Error {
  override readonly name = 'RunlaneError';
  readonly fields: readonly FieldProblem[];
  readonly retryAfterSeconds: number | undefined;

  constructor(
    readonly code: ErrorCode,
    message: string,
    { fields = [], retryAfterSeconds, ...options }: RunlaneErrorOptions = {},
  ) {
    super(message, options);
    this.fields = fields;
    this.retryAfterSeconds = retryAfterSeconds ?? (ERRORS[code].retryable ? 1 : undefined);
  }

  /** Any caught value as a RunlaneError. Its cause is for the log: that text never reaches a client. */
  static from(reason: unknown): RunlaneError {
    if (reason instanceof RunlaneError) return reason;
    const cancelled = reason instanceof Error && reason.name === 'AbortError';
    return new RunlaneError(cancelled ? 'CANCELLED' : 'INTERNAL', 'could not complete the request', { cause: reason });
  }
}
