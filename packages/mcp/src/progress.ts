/** Tells a client that asked for it how far a job is: often enough that it need not take silence for the end. */
import type { JobEvent } from '@runlane/client';
import { bytesInWords, timeInWords } from './amounts.js';
import type { Call } from './tool.js';

const EVERY_MS = 1_000;

export interface Progress {
  tell(event: JobEvent): void;
  stop(): void;
}

const UNWANTED: Progress = { tell: () => undefined, stop: () => undefined };

type Send = Call['sendNotification'];

export function createProgress({ _meta, sendNotification }: Pick<Call, '_meta' | 'sendNotification'>): Progress {
  const token = _meta?.progressToken;
  return token === undefined ? UNWANTED : createWanted(token, sendNotification);
}

function createWanted(progressToken: string | number, sendNotification: Send): Progress {
  const startedMs = performance.now();
  let status = 'accepted';
  let outputBytes = 0;
  let told = 0;

  function send(): void {
    const elapsedMs = performance.now() - startedMs;
    // Milliseconds, without a total, as nobody knows it; the spec wants each to be greater than the one before.
    told = Math.max(told + 1, Math.round(elapsedMs));
    const message = `${status}, ${timeInWords(elapsedMs)}, ${bytesInWords(outputBytes)} of output so far`;
    const params = { progressToken, progress: told, message };
    // Whoever does not hear it does not hear the result either, and that is where it is noticed.
    sendNotification({ method: 'notifications/progress', params }).catch(() => undefined);
  }

  const timer = setInterval(send, EVERY_MS);
  return {
    tell(event) {
      if (event.type === 'stdout' || event.type === 'stderr') outputBytes += event.data.length;
      if (event.type !== 'status') return;
      status = event.status;
      // Output of an earlier attempt is void.
      if (status === 'running') outputBytes = 0;
      send();
    },
    stop: () => clearInterval(timer),
  };
}
