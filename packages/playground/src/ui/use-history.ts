/** The runs of this browser. */
import type { Job } from '@runlane/client';
import { useState } from 'preact/hooks';
import { isPast, type PastRun, withRun } from '../program/history.js';
import type { Program } from '../program/program.js';
import { forget, load, save } from '../program/store.js';

const KEY = 'runlane.history';

export interface PageHistory {
  readonly runs: readonly PastRun[];
  add(job: Job, program: Program): void;
  clear(): void;
}

export function usePageHistory(): PageHistory {
  const [runs, setRuns] = useState<readonly PastRun[]>(() => load(KEY, isPast) ?? []);
  return {
    runs,
    add({ id, status, result }, program) {
      const run = { id, at: Date.now(), status, wallTimeMs: result?.wallTimeMs, program };
      setRuns((before) => {
        const kept = withRun(before, run);
        save(KEY, kept);
        return kept;
      });
    },
    clear() {
      setRuns([]);
      forget(KEY);
    },
  };
}
