/** One worker, two and three, in turns on one platform: jobs per second of a program that sleeps, so that workers are the limit. */
import { asker } from '../client.mjs';
import { HELLO, rateOf } from '../measure.mjs';
import { startDistributed } from './distributed.mjs';

const SLEEP = 'import time\ntime.sleep(0.1)';
const COUNTS = [1, 2, 3];
/** Runs at once, of one worker: the runner and the processors must have room for three times as many. */
const CONCURRENCY = 1;
const RUNNER_SLOTS = 8;
const CLIENTS = 2 * CONCURRENCY * COUNTS.at(-1);
const CPU_CLIENTS = 4;

/** @param seconds of each turn */
export async function measureWorkers({ folder, rounds, seconds, trivialJobs, say }) {
  const platform = await startDistributed(folder, {
    workerEnv: { WORKER_CONCURRENCY: String(CONCURRENCY) },
    // Other languages would make their toolchains ready meanwhile, anew for a runner that keeps none: a minute of a processor.
    runnerEnv: { RUNNER_SLOTS: String(RUNNER_SLOTS), LANGUAGES: 'python' },
  });
  const { post, close } = asker('127.0.0.1', platform.httpPort);
  const ended = async (code) => {
    const job = await post('/v1/jobs', JSON.stringify({ code }), { Prefer: 'wait=60' });
    if (job.status !== 'succeeded') throw new Error(`a job is ${job.status}`);
  };
  try {
    say('one worker, two and three …');
    await rateOf(20, CLIENTS, () => ended(SLEEP));
    const turns = COUNTS.map(() => ({ jobs: 0, tookMs: 0 }));
    for (let round = 1; round <= rounds; round += 1) {
      for (const [index, count] of COUNTS.entries()) {
        await platform.setWorkers(count);
        // A worker that has just started takes its first jobs before anything is counted.
        await rateOf(2 * CLIENTS, CLIENTS, () => ended(SLEEP));
        const turn = await endedWithin(seconds, () => ended(SLEEP));
        turns[index].jobs += turn.jobs;
        turns[index].tookMs += turn.tookMs;
        say(
          `round ${round}: ${count} worker${count > 1 ? 's' : ''}, ${((turn.jobs / turn.tookMs) * 1_000).toFixed(1)} jobs/s`,
        );
      }
    }
    const perSecond = turns.map(({ jobs, tookMs }) => (jobs / tookMs) * 1_000);
    say('processor time of trivial programs …');
    const before = platform.cpuMs();
    await rateOf(trivialJobs, CPU_CLIENTS, () => ended(HELLO));
    const after = platform.cpuMs();
    const cpuMsPerJob = Object.fromEntries(
      Object.keys(after).map((kind) => [kind, (after[kind] - before[kind]) / trivialJobs]),
    );
    return { counts: COUNTS, perSecond, times: perSecond.map((rate) => rate / perSecond[0]), cpuMsPerJob };
  } finally {
    close();
    await platform.stop();
  }
}

/** Whole jobs by so many clients; what is under way when the time is over is waited for and counted, with its time. */
async function endedWithin(seconds, work) {
  const startMs = performance.now();
  const untilMs = startMs + seconds * 1_000;
  let jobs = 0;
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      for (; performance.now() < untilMs; jobs += 1) await work();
    }),
  );
  return { jobs, tookMs: performance.now() - startMs };
}
