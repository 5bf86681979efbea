/** Waiting for what others say on a channel, which may say it to nobody: then it is noticed a little later all the same. */

/** Hear messages on a channel; call the result to stop. */
export type Listen = (channel: string, hear: (message: string) => void) => () => void;

export interface News {
  /** Call before looking at what the news is of: whatever comes from then on ends the next wait. */
  expect(): void;
  /** Resolves at the next message, when the signal aborts, or after a second. */
  wait(): Promise<void>;
  close(): void;
}

const POLL_MS = 1_000;

export function listenForNews(listen: Listen, channel: string, signal: AbortSignal): News {
  let came = true;
  let wake: () => void = () => {};
  const hear = () => {
    came = true;
    wake();
  };
  const leave = listen(channel, hear);
  signal.addEventListener('abort', hear);
  return {
    expect() {
      came = false;
    },
    wait: () =>
      new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, POLL_MS);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
        if (came || signal.aborted) wake();
      }),
    close() {
      signal.removeEventListener('abort', hear);
      leave();
    },
  };
}
