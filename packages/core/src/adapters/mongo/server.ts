/** What every adapter over MongoDB needs: a client whose calls end in time, and what its errors mean. */
import { setTimeout as sleep } from 'node:timers/promises';
import { RunlaneError } from '@runlane/contract';
import { BSON, type Db, MongoClient, MongoInvalidArgumentError, MongoServerError } from 'mongodb';
import { within } from '../../deadline.js';
import type { Log } from '../../log.js';

export interface MongoOptions {
  /** Such as `mongodb://127.0.0.1:27017/runlane`. */
  readonly url: string;
  /** The one that the URL names, or else `runlane`. */
  readonly dbName?: string;
  readonly log: Log;
}

export interface MongoServer {
  readonly db: Db;
  /**
   * Do something, and again while its outcome is unclear: repeating it must be harmless.
   * @throws RunlaneError `STORE_UNAVAILABLE` within 2 s when the server is away or frozen (what was sent may still be
   * carried out later), `PAYLOAD_TOO_LARGE` for a document that no server would take.
   */
  call<T>(work: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** A caller hears of an absent server within 2 s; this leaves some of it for the caller itself. */
const CALL_MS = 1_800;
export const DUPLICATE_KEY = 11_000;
const TOO_LARGE = [10_334, 17_419, 17_420];
/** BadValue, FailedToParse, TypeMismatch. */
const REFUSALS = new Set([2, 9, 14, ...TOO_LARGE]);

export function openMongo({ url, dbName, log }: MongoOptions): MongoServer {
  const client = new MongoClient(url, {
    appName: 'runlane',
    // Without these, a call waits for 30 s for a server that is away, and for ever for one that is frozen.
    serverSelectionTimeoutMS: 1_500,
    connectTimeoutMS: 2_000,
    socketTimeoutMS: 5_000,
    waitQueueTimeoutMS: 2_000,
    heartbeatFrequencyMS: 2_000,
    promoteBuffers: true,
    ignoreUndefined: true,
    w: 'majority',
  });
  /** One that is closed would be opened again by connecting. */
  let closed = false;
  let away = false;
  const setAway = (now: boolean, cause?: unknown) => {
    if (now && !away) log.warn({ err: cause }, 'MongoDB does not answer');
    if (!now && away) log.info('MongoDB answers again');
    away = now;
  };

  return {
    db: client.db(dbName ?? (namesDatabase(url) ? undefined : 'runlane')),
    async call(work) {
      const deadlineMs = performance.now() + CALL_MS;
      let lastCause: unknown;
      async function repeat(): ReturnType<typeof work> {
        for (let pauseMs = 25; ; pauseMs *= 2) {
          try {
            // Once connected this is nothing. The driver by itself never tries again when its first try has failed.
            if (!closed) await client.connect();
            return await work();
          } catch (cause) {
            lastCause = cause;
            if (isRefusal(cause) || performance.now() + pauseMs > deadlineMs) throw cause;
            await sleep(pauseMs);
          }
        }
      }
      try {
        const done = await within(CALL_MS, repeat());
        setAway(false);
        return done;
      } catch (error) {
        if (isTooLarge(error)) throw new RunlaneError('PAYLOAD_TOO_LARGE', 'too large to be stored', { cause: error });
        // What the server or the driver refuses is a mistake of ours, and no outage.
        if (isRefusal(error)) throw error;
        const cause = lastCause ?? error;
        setAway(true, cause);
        throw new RunlaneError('STORE_UNAVAILABLE', 'the job store does not answer', { cause });
      }
    },
    close() {
      closed = true;
      return client.close();
    },
  };
}

export function isDuplicate(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === DUPLICATE_KEY;
}

/** A clear no, to be heard by whoever asked. Anything else may have been done, or may be done when tried again. */
function isRefusal(error: unknown): boolean {
  if (error instanceof MongoServerError) return REFUSALS.has(Number(error.code));
  return [MongoInvalidArgumentError, BSON.BSONError, RangeError, TypeError].some((refusal) => error instanceof refusal);
}

function isTooLarge(error: unknown): boolean {
  if (error instanceof MongoServerError) return TOO_LARGE.includes(Number(error.code));
  // The driver's own buffer, a little larger than what a server takes, overflows first.
  return error instanceof RangeError || error instanceof MongoInvalidArgumentError;
}

function namesDatabase(url: string): boolean {
  return /^[^/]+\/\/[^/]+\/[^?]/.test(url);
}
