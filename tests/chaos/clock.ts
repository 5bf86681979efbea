/** The wall clock of one worker, which can be set while it runs, by Debian's faketime; its monotonic clock stays right. */
import { rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Clock {
  envOf(httpPort: number): NodeJS.ProcessEnv;
  /** Set it this many milliseconds ahead of the right time (behind, when less than 0), and see that the worker has it. */
  setAheadBy(aheadMs: number): Promise<void>;
  /** Remove what processes that were killed could not. */
  cleanAfter(pids: readonly number[]): Promise<void>;
}

const SHARED_MEMORY = '/dev/shm';

const SEEN_WITHIN_MS = 20_000;

/** @param library libfaketime. */
export async function createClock(library: string, file: string): Promise<Clock> {
  let url = '';
  // In one step: whoever reads half a file takes another time.
  const write = async (aheadMs: number) => {
    const seconds = Math.round(aheadMs / 1_000);
    await writeFile(`${file}.draft`, `${seconds < 0 ? '-' : '+'}${Math.abs(seconds)}\n`);
    await rename(`${file}.draft`, file);
  };
  await write(0);
  return {
    envOf(httpPort) {
      url = `http://127.0.0.1:${httpPort}/healthz`;
      return {
        LD_PRELOAD: library,
        FAKETIME_TIMESTAMP_FILE: file,
        FAKETIME_CACHE_DURATION: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
        FAKETIME_DONT_RESET: '1',
      };
    },
    async setAheadBy(aheadMs) {
      await write(aheadMs);
      const deadlineMs = performance.now() + SEEN_WITHIN_MS;
      for (;;) {
        // What the worker takes for the time is in every answer of its HTTP server.
        const date = await fetch(url).then(
          ({ headers }) => Date.parse(headers.get('date') ?? ''),
          () => Number.NaN,
        );
        if (Math.abs(date - Date.now() - aheadMs) < 5_000) return;
        if (performance.now() > deadlineMs) throw new Error(`the worker does not have the time that was set: ${date}`);
        await sleep(100);
      }
    },
    async cleanAfter(pids) {
      for (const pid of pids)
        for (const name of [`faketime_shm_${pid}`, `sem.faketime_sem_${pid}`])
          await rm(`${SHARED_MEMORY}/${name}`, { force: true });
    },
  };
}
