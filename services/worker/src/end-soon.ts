/** Ending a run in a way that tells how much it took. */
import type { AdmittedRun } from './runner-connection.js';

/** How soon a runner must have ended a cancelled run, in milliseconds. */
const KILL_WITHIN_MS = 2_000;

/** Kill the program, and if the runner does not say soon that it is dead, break off the call. */
export function endSoon(run: AdmittedRun): void {
  run.kill();
  setTimeout(run.cancel, KILL_WITHIN_MS).unref();
}
