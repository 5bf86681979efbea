/** When nobody waits for an answer any more. */
import type { Response } from 'express';

/** Aborts when the client goes away before it was answered, or the server stops. */
export function goneSignal(response: Response, closing: AbortSignal): AbortSignal {
  const gone = new AbortController();
  const abort = () => gone.abort('nobody listens any more');
  if (closing.aborted) abort();
  closing.addEventListener('abort', abort, { once: true });
  response.once('close', () => {
    closing.removeEventListener('abort', abort);
    abort();
  });
  return gone.signal;
}
