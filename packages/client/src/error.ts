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
    return this.code === 'UNREACHABLE' || this.retryAfterSeconds !== undefined || GATEWAY.has(this.status ?? 0);
  }
}

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
  const { message, cause: deeper } = cause as Error & { cause?: Error & { code?: string } };
  const why = deeper?.code ?? deeper?.message ?? message;
  return new RunlaneError('UNREACHABLE', `no answer from ${server} (${why})`, { cause });
}
