/** The two forms of the suite: the full one, and one short enough for every test run. */
import type { SuiteOptions } from './suite.js';

type Form = Omit<SuiteOptions, 'seed' | 'say'>;

export const FULL: Form = { workers: 3, rounds: 2, jobs: 2_000, jobsPerSecond: 6, holdMs: 5_000 };
export const SHORT: Form = { workers: 2, rounds: 1, jobs: 300, jobsPerSecond: 3.5, holdMs: 4_000 };
