/** Requests that are sent again where that is safe and may help. */
import { RunlaneError, toError, unreachable } from './error.js';

export interface ClientOptions {
  /** Where the server is; http://localhost:3000 without. */
  readonly server?: string;
  readonly apiKey?: string;
  /** How long a call is sent again before it fails, from its first failure, in milliseconds; a minute without. `Infinity` never gives up. */
  readonly retryForMs?: number;
  /** The same until the server has answered for the first time. */
  readonly firstRetryForMs?: number;
  /** Is told of each retry before it waits. */
  readonly onRetry?: (retry: Retry) => void;
}

export interface Retry {
  /** From 1. */
  readonly attempt: number;
  readonly delayMs: number;
  readonly error: RunlaneError;
}

interface Call {
  readonly method?: 'GET' | 'POST';
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
  /** Not to be sent again. */
  readonly once?: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface Http {
  /** The address of the server, without a slash at its end. */
  readonly server: string;
  /** What a WebSocket is to ask for: pages cannot give it headers, so the key is one of its protocols. */
  readonly socketProtocols: string[];
  /** The first answer that is a success. @throws RunlaneError; where the signal aborted, its reason. */
  send(path: string, call?: Call): Promise<Response>;
  /** The answer's JSON, read whole: a connection that is lost halfway is an answer that did not come. */
  json<T>(path: string, call?: Call): Promise<T>;
  backoff(signal: AbortSignal | undefined): Backoff;
}

/** The pauses between tries: longer each time, with some chance in them, and never sooner than the server says. */
interface Backoff {
  /** Waits until it may be tried again. @throws `error` itself where it may not. */
  wait(error: unknown): Promise<void>;
  /** It works: the next failure is a first one. */
  reset(): void;
}

const DEFAULT_SERVER = 'http://localhost:3000';
const DEFAULT_RETRY_FOR_MS = 60_000;
/** The first wait; each further one is twice as long. */
const FIRST_DELAY_MS = 200;
const LONGEST_DELAY_MS = 5_000;
/** Who is told to come back later than this is told so at once, rather than kept. */
const LONGEST_RETRY_AFTER_MS = 60_000;

export function createHttp({
  server = DEFAULT_SERVER,
  apiKey,
  retryForMs = DEFAULT_RETRY_FOR_MS,
  firstRetryForMs = retryForMs,
  onRetry,
}: ClientOptions): Http {
  let hasAnswered = false;
  const base = server.replace(/\/+$/, '');
  const own: Record<string, string> = apiKey === undefined ? {} : { Authorization: `Bearer ${apiKey}` };

  async function sendOnce(path: string, { method = 'GET', headers, body, signal }: Call): Promise<Response> {
    const typed = body === undefined ? {} : { 'Content-Type': 'application/json' };
    const response = await fetch(`${base}${path}`, {
      method,
      headers: { ...own, ...typed, ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    }).catch((cause) => {
      signal?.throwIfAborted();
      throw unreachable(base, cause);
    });
    hasAnswered = true;
    if (!response.ok) throw await toError(response);
    return response;
  }

  function backoff(signal: AbortSignal | undefined): Backoff {
    let attempt = 0;
    let failedAtMs = 0;
    return {
      reset() {
        attempt = 0;
      },
      async wait(error) {
        if (!(error instanceof RunlaneError) || !error.retryable) throw error;
        if (attempt === 0) failedAtMs = performance.now();
        attempt += 1;
        const patienceMs = hasAnswered ? retryForMs : firstRetryForMs;
        const askedMs = (error.retryAfterSeconds ?? 0) * 1_000;
        const pauseMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 1)) * (0.5 + Math.random() / 2);
        const delayMs = Math.max(askedMs, pauseMs);
        if (askedMs > LONGEST_RETRY_AFTER_MS || performance.now() - failedAtMs + delayMs > patienceMs) throw error;
        onRetry?.({ attempt, delayMs, error });
        await sleep(delayMs, signal);
      },
    };
  }

  async function retrying<T>(send: () => Promise<T>, { once, signal }: Call): Promise<T> {
    const { wait } = backoff(signal);
    for (;;) {
      try {
        return await send();
      } catch (error) {
        if (once) throw error;
        await wait(error);
      }
    }
  }

  async function jsonOnce<T>(path: string, call: Call): Promise<T> {
    const response = await sendOnce(path, call);
    const text = await response.text().catch((cause) => {
      call.signal?.throwIfAborted();
      throw unreachable(base, cause);
    });
    try {
      return JSON.parse(text);
    } catch (cause) {
      const { status } = response;
      throw new RunlaneError('UNEXPECTED_ANSWER', `what answers at ${base} is something else`, { status, cause });
    }
  }

  return {
    server: base,
    socketProtocols: apiKey === undefined ? [] : ['runlane', `runlane.key.${apiKey}`],
    send: (path, call = {}) => retrying(() => sendOnce(path, call), call),
    json: (path, call = {}) => retrying(() => jsonOnce(path, call), call),
    backoff,
  };
}

/** @throws the signal's reason where it aborts. */
function sleep(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const timer = setTimeout(done, delayMs);
    signal?.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      if (signal?.aborted) reject(signal.reason);
      else resolve();
    }
  });
}
