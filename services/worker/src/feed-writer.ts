/**
 * Tells a job's feed what happens in one attempt. Events are numbered without gaps, so that a reader notices any that the
 * feed lost. A feed that is away never holds up a run: after a failure the rest of the attempt's output is left out.
 */
import type { FeedEvent, JobFeed, JobId, JudgedCase, Log, Status } from '@runlane/core';

/** Bytes that may be on their way to the feed before the run waits. */
const UNCONFIRMED_BYTES = 1024 * 1024;

export interface FeedWriter {
  status(status: Status): void;
  /** Resolves when there is room for more. */
  output(stream: 'stdout' | 'stderr', data: Uint8Array): Promise<void>;
  /** A test case was judged. */
  judged(judged: JudgedCase): void;
  /** The result is in the store. */
  end(): Promise<void>;
}

/** @param told how many events were told under this attempt's number before. */
export function createFeedWriter(feed: JobFeed, id: JobId, attempt: number, log: Log, told = 0): FeedWriter {
  let sequence = told;
  let unconfirmedBytes = 0;
  let broken = false;
  let latest: Promise<unknown> = Promise.resolve();
  const nextId = () => {
    sequence += 1;
    return `${attempt}-${sequence}`;
  };

  function append(event: FeedEvent, bytes = 0): void {
    unconfirmedBytes += bytes;
    latest = feed
      .append(id, event)
      .catch((error: unknown) => {
        if (!broken)
          log.warn(
            { jobId: id, reason: (error as Error).message },
            'the feed does not answer; watchers get the result only',
          );
        broken = true;
      })
      .finally(() => {
        unconfirmedBytes -= bytes;
      });
  }

  return {
    status: (status) => append({ id: nextId(), type: 'status', status }),
    async output(stream, data) {
      const eventId = nextId();
      if (broken) return;
      append({ id: eventId, type: stream, data }, data.length);
      if (unconfirmedBytes > UNCONFIRMED_BYTES) await latest;
    },
    judged: (judged) => append({ id: nextId(), type: 'case', case: judged }),
    async end() {
      append({ id: nextId(), type: 'end' });
      await latest;
    },
  };
}
