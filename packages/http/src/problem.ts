/** Errors as problem documents (RFC 9457). */
import { ERRORS, type ErrorCode, type ProblemJson, RunlaneError } from '@runlane/contract';
import type { Log } from '@runlane/core';
import type { ErrorRequestHandler, RequestHandler, Response } from 'express';

export function toProblem({ code, message, fields }: RunlaneError): ProblemJson {
  const { http, title } = ERRORS[code];
  return {
    type: 'about:blank',
    title,
    status: http,
    detail: message,
    code,
    ...(fields.length > 0 && { errors: fields.map(({ field, reason }) => ({ field, reason })) }),
  };
}

/** What express and its body parser throw for a client's mistake, by HTTP status. */
const CODES: Readonly<Record<number, ErrorCode>> = {
  400: 'INVALID_REQUEST',
  404: 'NOT_FOUND',
  413: 'PAYLOAD_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
};

/** Puts the body of an answer; all before it is set. */
type SendError = (response: Response, error: RunlaneError) => void;

const sendProblem: SendError = (response, error) =>
  response.type('application/problem+json').send(JSON.stringify(toProblem(error)));

/** The last handler: every error becomes an answer, and what is our fault a line in the log. */
export function createErrorHandler(log: Log, send = sendProblem): ErrorRequestHandler {
  return (reason: unknown, _request, response, _next) => {
    const error = toRunlaneError(reason);
    if (ERRORS[error.code].http === 500) log.error({ err: error.cause ?? error }, 'request failed');
    // Too late to answer: close the connection, so that the client does not take half an answer for a whole one.
    if (response.headersSent) return void response.destroy();
    if (error.retryAfterSeconds !== undefined) response.set('Retry-After', String(error.retryAfterSeconds));
    send(response.status(ERRORS[error.code].http), error);
  };
}

function toRunlaneError(reason: unknown): RunlaneError {
  if (reason instanceof RunlaneError) return reason;
  const { status, type } = reason as { status?: number; type?: string };
  const code = reason instanceof Error && status !== undefined ? CODES[status] : undefined;
  if (!code) return RunlaneError.from(reason);
  return new RunlaneError(code, `the request could not be read${type ? `: ${type.replaceAll('.', ' ')}` : ''}`, {
    cause: reason,
  });
}

/** For paths that no route took. `instead` says what there is, or where that is listed. */
export function notFound(instead: string): RequestHandler {
  return (request) => {
    const what = `${request.method} ${request.path.slice(0, 200)}`;
    throw new RunlaneError('NOT_FOUND', `there is nothing at ${what}; ${instead}`);
  };
}

/** For known paths with another method. */
export function methodNotAllowed(...allowed: string[]): RequestHandler {
  return (request, response) => {
    response.set('Allow', allowed.join(', '));
    throw new RunlaneError('METHOD_NOT_ALLOWED', `${request.method} is not possible here; use ${allowed.join(' or ')}`);
  };
}
