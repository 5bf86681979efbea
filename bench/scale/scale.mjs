/** Whether it grows with what it is given: more workers, more clients, more jobs that wait. Each figure with its target. */
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { measureDepth } from './depth.mjs';
import { measureWorkers } from './workers.mjs';

/** Jobs per second of so many workers, as times that of one. */
const WORKER_TIMES = { 2: 1.7, 3: 2.3 };
const SUBMITS_PER_SECOND = 1_500;
/** Memory with a deep queue may be this many times that without, and these MiB more. */
const GROWTH = 1.2;
const GROWTH_MIB = 100;
const CLAIM_TIMES = 2;
/** The 99th percentile, as times the median. */
const TAIL_TIMES = 5;

const USUAL = { depth: 100_000, rounds: 3, seconds: 10, trivialJobs: 200, floodSeconds: 10, steadySeconds: 20 };
const SHORT = {
  depth: 10_000,
  rounds: 2,
  seconds: 4,
  trivialJobs: 50,
  floodSeconds: 3,
  steadySeconds: 5,
  warmUpJobs: 500,
};

/**
 * @param only `workers` or `depth`; both when empty
 * @param jobs that wait, instead of the usual number
 */
export async function measureScale({ folder, short, only, jobs, say }) {
  const usual = short ? SHORT : USUAL;
  const work = { ...usual, depth: jobs ?? usual.depth, say };
  const wants = (part) => only.length === 0 || only.includes(part);
  const { findServer } = await import('../../packages/core/dist/testing/index.js');
  const missing = ['redis-server', 'mongo-wire'].flatMap((name) => findServer(name).missing ?? []);
  if (missing.length > 0) throw new Error(missing.join('; '));
  const [before] = loadavg();
  const workers = wants('workers') && (await measureWorkers({ ...work, folder: join(folder, 'workers') }));
  const depth = wants('depth') && (await measureDepth({ ...work, folder: join(folder, 'depth') }));
  return { workers, depth, load: { before, after: loadavg()[0], processors: cpus().length } };
}

export function printScale({ workers, depth, load }) {
  console.log(
    `\nprocesses that wanted one of ${load.processors} processors: ${load.before.toFixed(1)} before, ${load.after.toFixed(1)} at the end`,
  );
  if (workers) printWorkers(workers);
  if (depth) printDepth(depth);
}

function printWorkers(workers) {
  console.log('\nworkers, programs that sleep 100 ms, queues in Redis, a server that speaks MongoDB');
  for (const [index, count] of workers.counts.entries()) {
    const times = workers.times[index];
    const target = WORKER_TIMES[count];
    const verdict = target ? `${times.toFixed(2)} × one   ${atLeast(times, target, '×')}` : '';
    line(`${count} worker${count > 1 ? 's' : ''}`, `${workers.perSecond[index].toFixed(1)} jobs/s`, verdict);
  }
  const cpu = Object.entries(workers.cpuMsPerJob).map(([kind, ms]) => `${kind} ${ms.toFixed(1)}`);
  line('processor time of a job', `${cpu.join(', ')} ms`, '');
}

function printDepth({ depth, endToEnd, submitOnly, batches, claims, memory }) {
  console.log('\none command process, the embedded store, queues in Redis');
  line(
    `submitted one by one`,
    `${submitOnly.perSecond.toFixed(0)} /s`,
    `p50 ${ms(submitOnly.p50Ms)}, p99 ${ms(submitOnly.p99Ms)}   ${atLeast(submitOnly.perSecond, SUBMITS_PER_SECOND, '/s')}`,
  );
  line('', `${submitOnly.cpuMs.toFixed(2)} ms`, 'processor time of command for each, over all its threads');
  for (const [status, count] of Object.entries(submitOnly.refused)) line('', `${count} × ${status}`, 'instead of 202');
  line(`in batches of ${batches.jobs}`, `${batches.jobsPerSecond.toFixed(0)} jobs/s`, '');
  const { p50Ms, p99Ms } = endToEnd;
  const tail = p99Ms / p50Ms;
  line(
    `${endToEnd.perSecond.toFixed(0)} jobs/s, half the most`,
    `p50 ${ms(p50Ms)}, p99 ${ms(p99Ms)}`,
    `p99 ${tail.toFixed(1)} × p50   ${atMost(tail, TAIL_TIMES, '×')}`,
  );

  console.log(`\na queue of ${claims.depth} jobs`);
  line(
    'a claim',
    `p50 ${ms(claims.p50Ms)}, p99 ${ms(claims.p99Ms)}`,
    `${claims.ratio.toFixed(2)} × that at ${claims.shallowDepth}   ${atMost(claims.ratio, CLAIM_TIMES, '×')}`,
  );
  line(
    '',
    `p50 ${ms(claims.shallow.p50Ms)} at ${claims.shallowDepth}`,
    `of it the store ${claims.shallowStoreMs.toFixed(2)} ms; here ${claims.storeMs.toFixed(2)} ms`,
  );
  for (const { name, idleMiB, deepMiB } of memory) {
    const most = GROWTH * idleMiB + GROWTH_MIB;
    line(name, `${idleMiB.toFixed(0)} → ${deepMiB.toFixed(0)} MiB`, atMost(deepMiB, Math.round(most), 'MiB'));
  }
  if (depth < USUAL.depth) console.log(`(a quick look: the target is of ${USUAL.depth} jobs)`);
}

const ms = (value) => `${value.toFixed(1)} ms`;
const atLeast = (value, target, unit) => `(target ≥ ${target} ${unit}: ${value >= target ? 'met' : 'MISSED'})`;
const atMost = (value, target, unit) => `(target ≤ ${target} ${unit}: ${value <= target ? 'met' : 'MISSED'})`;

function line(name, figure, more) {
  console.log(`${name.padEnd(26)}${figure.padEnd(28)}${more}`.trimEnd());
}
