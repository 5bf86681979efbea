/** One Execute call: what the runner says, with the time at which each message came, and what may be said to it. */
import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js';
import type { runner } from '@runlane/contract';
import { CallError, CheckFailure } from './failure.js';

export type Request = NonNullable<runner.ExecuteRequest['message']>;
export type Response = NonNullable<runner.ExecuteResponse['message']>;

export interface Arrival {
  /** On the clock of `performance.now()`, in milliseconds. */
  readonly atMs: number;
  readonly message: Response | undefined;
}

export interface Conversation {
  /** All that came so far. */
  readonly arrivals: readonly Arrival[];
  send(message: Request): void;
  /** Send a message that says nothing. */
  sendNothing(): void;
  go(): void;
  /**
   * When the first message of this kind came.
   * @throws CallError when the runner ended the call with an error instead; CheckFailure when it ended it otherwise.
   */
  first(kind: Response['$case']): Promise<Arrival>;
  /** Resolves when the runner has ended the call well. @throws CallError */
  readonly ended: Promise<void>;
  cancel(): void;
}

export function converse(call: ClientDuplexStream<runner.ExecuteRequest, runner.ExecuteResponse>): Conversation {
  const arrivals: Arrival[] = [];
  const waiting = new Set<() => void>();
  let over = false;
  const wake = () => {
    for (const look of waiting) look();
  };

  call.on('data', ({ message }: runner.ExecuteResponse) => {
    arrivals.push({ atMs: performance.now(), message });
    // As a worker does: a runner may wait for it before it ends the call.
    if (message?.$case === 'exited') call.end();
    wake();
  });
  const ended = new Promise<void>((resolve, reject) => {
    call.on('end', resolve);
    call.on('error', ({ code, details }: ServiceError) => reject(new CallError('Execute', code, details)));
  }).finally(() => {
    over = true;
    wake();
  });
  // A check that is past caring leaves nobody to hear of it.
  ended.catch(() => undefined);

  const send = (message: Request | undefined) => {
    if (!over) call.write({ message });
  };
  return {
    arrivals,
    send,
    sendNothing: () => send(undefined),
    go: () => send({ $case: 'go', value: {} }),
    async first(kind) {
      const find = () => arrivals.find(({ message }) => message?.$case === kind);
      await new Promise<void>((resolve) => {
        const look = () => {
          if (!over && !find()) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      });
      const found = find();
      if (found) return found;
      await ended;
      throw new CheckFailure(`the runner ended the call without ${kind}`);
    },
    ended,
    cancel: () => call.cancel(),
  };
}
