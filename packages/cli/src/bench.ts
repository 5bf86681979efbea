/** `runlane bench`: how many jobs a server finishes, and how long one takes, as this machine sees it. */
import { createHistogram } from 'node:perf_hooks';
import type { Client, NewJob } from '@runlane/client';
import { type Called, command, wholeNumber } from './command.js';
import { interruptible } from './interrupt.js';
import { PROGRAM_HELP, PROGRAM_OPTIONS, readProgram } from './program.js';
import { clientFor, note, SERVER_HELP, SERVER_OPTIONS } from './server.js';

const DEFAULT_JOBS = 200;
const MOST_JOBS = 1_000_000;
const DEFAULT_CLIENTS = 8;
const MOST_CLIENTS = 1_000;
/** As many jobs before the clock starts: the first ones find nothing warm. */
const WARM_UP_JOBS = 10;
/** Latencies are recorded in microseconds: a histogram has whole numbers alone. */
const US_PER_MS = 1_000;
const PERCENTILES = [50, 90, 99] as const;

const help = `Usage: runlane bench [FILE…] [options] [-- ARGUMENT…]

Runs a program (without one, print(1) in Python) many times, several at once, each as one request that waits for its
result, and tells jobs per second and latency. What a machine can do depends on what else it does: compare figures of the
same machine and minute.

  --jobs N              how many jobs in all (default: ${DEFAULT_JOBS})
  --clients N           how many at once (default: ${DEFAULT_CLIENTS})
${PROGRAM_HELP}
  --json                print one JSON document
${SERVER_HELP}

Exit code: 0 when every job succeeded, 1 when one did not, 125 when Runlane could not run one, 2 when it was called wrongly.
`;

const options = {
  ...PROGRAM_OPTIONS,
  ...SERVER_OPTIONS,
  jobs: { type: 'string' },
  clients: { type: 'string' },
  json: { type: 'boolean' },
} as const;

export const bench = command({ summary: 'measure jobs per second, and latency', help, options, run });

function run(called: Called<typeof options>): Promise<number> {
  const { values, words } = called;
  const jobs = wholeNumber('--jobs', values.jobs, DEFAULT_JOBS, MOST_JOBS);
  const clients = wholeNumber('--clients', values.clients, DEFAULT_CLIENTS, MOST_CLIENTS);
  const client = clientFor(values);
  return interruptible(async (signal) => {
    const program = words.length > 0 ? await readProgram(client, called) : { code: 'print(1)' };
    await measure(client, program, WARM_UP_JOBS, clients, signal);
    const figures = await measure(client, program, jobs, clients, signal);
    process.stdout.write(values.json ? `${JSON.stringify(figures, undefined, 2)}\n` : inWords(figures));
    return figures.notSucceeded === 0 ? 0 : 1;
  });
}

type Figures = Awaited<ReturnType<typeof measure>>;

async function measure(client: Client, program: NewJob, jobs: number, clients: number, signal: AbortSignal) {
  const latencyUs = createHistogram();
  let begun = 0;
  let notSucceeded = 0;
  const startedMs = performance.now();
  async function work(): Promise<void> {
    while (begun < jobs) {
      begun += 1;
      const beginMs = performance.now();
      const { status } = await client.execute(program, { signal });
      latencyUs.record(Math.max(1, Math.round((performance.now() - beginMs) * US_PER_MS)));
      if (status !== 'succeeded' && notSucceeded++ === 0) note(`a job ended ${status}`);
    }
  }
  await Promise.all(Array.from({ length: Math.min(clients, jobs) }, work));
  const seconds = (performance.now() - startedMs) / 1_000;
  const latencyMs = Object.fromEntries(
    PERCENTILES.map((percentile) => [`p${percentile}`, latencyUs.percentile(percentile) / US_PER_MS]),
  );
  return { jobs, clients, notSucceeded, jobsPerSecond: jobs / seconds, latencyMs };
}

function inWords({ jobs, clients, notSucceeded, jobsPerSecond, latencyMs }: Figures): string {
  const latency = Object.entries(latencyMs).map(([name, ms]) => `${name} ${ms.toFixed(1)} ms`);
  const failures = notSucceeded > 0 ? `\n${notSucceeded} did not succeed` : '';
  return `${jobs} jobs, ${clients} at once: ${jobsPerSecond.toFixed(1)} per second, ${latency.join(', ')}${failures}\n`;
}
