/** Why something could not be done. That a program failed is no error: it is the result of its job. */
import type { ErrorCode, FieldProblem, Problem } from './json.js';

interface ErrorFacts {
  readonly status?: number | undefined;
  readonly fields?: readonly FieldProblem[] | undefined;
  readonly retryAfterSeconds?: number | undefined;
  readonly cause?: unknown;
}

export class RunlaneError extends Error {
  override readonly name = 'RunlaneError';
  /** HTTP status; undefined where there was no answer. */
  readonly status: number | undefined;
  /** Every bad field, where the request was refused for some. */
  readonly fields: readonly FieldProblem[];
  /** When a retry may succeed, in seconds. */
  readonly retryAfterSeconds: number | undefined;
  /** Of a job that goes on all the same, where `run` or `execute` was through with its submission. */
  jobId?: string;

  /** @param code the server's, which is stable; `UNREACHABLE` without an answer, `UNEXPECTED_ANSWER` where it was not Runlane's. */
  constructor(
    readonly code: ErrorCode | 'UNREACHABLE' | 'UNEXPECTED_ANSWER',
    message: string,
    { status, fields = [], retryAfterSeconds, cause }: ErrorFacts = {},
  ) {
    super(message, { cause });
    this.status = status;
    this.fields = fields;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /** Whether the same call may succeed later. */
  get retryable(): boolean {
    if (this.code === 'UNREACHABLE') return !isOfTls(this.cause);
    return this.retryAfterSeconds !== undefined || GATEWAY.has(this.status ?? 0);
  }
}

/** Whoever answers there speaks no TLS, or is not to be trusted: that will not change by waiting. */
const isOfTls = (cause: unknown) =>
  /^(?:ERR_SSL|ERR_TLS|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO)/.test(causeOf(cause)?.code ?? '');

const causeOf = (error: unknown) => (error as { cause?: Error & { code?: string } } | undefined)?.cause;

/** What proxies answer in the place of a server that is away. */
const GATEWAY = new Set([502, 503, 504]);

/** What an answer that is no success says. */
export async function toError(response: Response): Promise<RunlaneError> {
  const { status } = response;
  const problem = (await response.json().catch(() => undefined)) as Problem | undefined;
  const seconds = Number(response.headers.get('Retry-After') ?? Number.NaN);
  const retryAfterSeconds = Number.isFinite(seconds) ? seconds : undefined;
  if (typeof problem?.code !== 'string') {
    return new RunlaneError('UNEXPECTED_ANSWER', `the server answered HTTP ${status}`, { status, retryAfterSeconds });
  }
  const { code, title, detail, errors } = problem;
  return new RunlaneError(code, detail ?? title, { status, fields: errors, retryAfterSeconds });
}

export function unreachable(server: string, cause: unknown): RunlaneError {
  const deeper = causeOf(cause);
  const why = deeper?.code ?? deeper?.message ?? (cause as Error).message;
  return new RunlaneError('UNREACHABLE', `no answer from ${server} (${why})`, { cause });
}
