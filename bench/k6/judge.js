/** What k6 counts, and when a job is lost or there twice. Runs in k6. */
import { sleep } from 'k6';
import { Counter, Trend } from 'k6/metrics';
import { PATIENCE_MS } from './settings.js';

const counters = {
  accepted: new Counter('jobs_accepted'),
  lost: new Counter('jobs_lost'),
  doubled: new Counter('jobs_doubled'),
  failures: new Counter('failures'),
  refused: new Counter('requests_refused'),
};
const endToEndMs = new Trend('end_to_end_ms', true);

/** Any of the first three fails the run; so does a run in which nothing was accepted, which would prove nothing. */
export const THRESHOLDS = {
  jobs_lost: ['count==0'],
  jobs_doubled: ['count==0'],
  failures: ['count==0'],
  jobs_accepted: ['count>0'],
};

/** A line for whoever started k6: what was accepted and how it ended, for progress and for the check after the run. */
const tell = (fact) => console.log(JSON.stringify(fact));

export function accepted(job) {
  counters.accepted.add(1);
  tell({ accepted: job });
}

function ended({ id }, { status, digest, tookMs }) {
  endToEndMs.add(tookMs);
  tell({ ended: { id, status, digest } });
}

function lost({ id }, why) {
  counters.lost.add(1);
  tell({ lost: { id, why } });
}

export function doubled({ id }, why) {
  counters.doubled.add(1);
  tell({ doubled: { id, why } });
}

/** 5xx but 503, or no answer at all. */
export function failed(what) {
  counters.failures.add(1);
  tell({ failed: what });
}

/** 503 and 4xx: nothing was promised. */
export function refused(what) {
  counters.refused.add(1);
  tell({ refused: what });
}

/** Whether it is this job's own result: each program prints words that no other prints. */
function judgeResult(job, { status, stdout, digest, tookMs }) {
  ended(job, { status, digest, tookMs });
  if (status === 'succeeded' && stdout !== job.expected) lost(job, 'its result is that of another program');
}

/**
 * Ask until it has ended, and once more: the result must stay what it is.
 * @param ask the job as it is now; nothing where there was no good answer
 * @param ending of a job that has ended, its status and output, and as `digest` all that must never change
 */
export function judgeEnd(job, ask, ending) {
  for (let pauseSeconds = 0.02; Date.now() - job.atMs < PATIENCE_MS; pauseSeconds = Math.min(1, pauseSeconds * 1.5)) {
    const view = ask(job);
    if (view?.result) {
      judgeResult(job, { ...ending(view), tookMs: Date.now() - job.atMs });
      const again = ask(job);
      if (again && !again.result) lost(job, 'its result is gone again');
      else if (again && ending(again).digest !== ending(view).digest) doubled(job, 'it has another result now');
      return;
    }
    sleep(pauseSeconds);
  }
  lost(job, `no result within ${PATIENCE_MS} ms`);
}

/**
 * What a watcher was told: the output in order and whole, but where a gap was told, and one result, the last of all.
 * @param events `{kind, text}`, of kinds status, stdout, gap and result
 */
export function judgeEvents(job, events) {
  const results = events.filter(({ kind }) => kind === 'result');
  if (results.length > 1) doubled(job, `its stream told ${results.length} results`);
  const running = events.map(({ kind, text }) => kind === 'status' && text === 'running').lastIndexOf(true);
  const seen = events.slice(running + 1);
  const told = seen
    .filter(({ kind }) => kind === 'stdout')
    .map(({ text }) => text)
    .join('');
  const hasGap = seen.some(({ kind }) => kind === 'gap');
  const succeeded = results.some(({ text }) => text === 'succeeded');
  if (succeeded && !hasGap && told !== job.expected)
    (told.length > job.expected.length ? doubled : lost)(job, `its stream told other output: ${JSON.stringify(told)}`);
  return results.length > 0;
}
