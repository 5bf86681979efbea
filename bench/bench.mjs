/**
 * `npm run bench`: how fast the embedded platform is, as ratios to a bare `python3 hello.py` on the same machine, measured
 * in turns in the same run. Machines are shared and noisy: compare ratios, not milliseconds.
 *
 *   npm run bench                 all
 *   npm run bench -- --short      a tenth of the jobs
 *   npm run bench -- --json       for machines
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildWhatIsStale } from '../scripts/setup.mjs';
import { residentBytes, startPlatform } from './platform.mjs';

const run = promisify(execFile);
const PYTHON = '/usr/bin/python3';
const HELLO = "print('Hello, World!')";
const short = process.argv.includes('--short');
const asJson = process.argv.includes('--json');
const scaled = (count) => (short ? Math.ceil(count / 10) : count);

/** What the figures should be: the first targets of the platform. Memory may grow by this factor and these bytes. */
const TARGETS = {
  printMs: 50,
  endToEndRatio: 3,
  jobsPerSecond: 60,
  memoryGrowth: 1.5,
  memoryGrowthBytes: 50 * 1024 * 1024,
};
/** Jobs before memory is first measured: until then, compilers and caches of every process still fill up. */
const WARM_UP_JOBS = 500;

await buildWhatIsStale({ say: say });
const folder = await mkdtemp(join(tmpdir(), 'runlane-bench-'));
const platform = await startPlatform(join(folder, 'data'));
const agent = new Agent({ keepAlive: true, maxSockets: 64 });
try {
  const results = await measure();
  if (asJson) console.log(JSON.stringify(results, undefined, 2));
  else print(results);
} finally {
  agent.destroy();
  await platform.stop();
  await rm(folder, { recursive: true, force: true });
}

function say(text) {
  if (!asJson) console.log(text);
}

async function measure() {
  const program = join(folder, 'hello.py');
  await writeFile(program, HELLO);
  const bare = () => timed(() => run(PYTHON, [program]));
  const job = () => timed(() => endToEnd());
  say('warming up …');
  await rateOf(WARM_UP_JOBS, 8, job);
  const idle = residentBytes(platform.pid);

  say('one after the other: bare python and a job, in turns …');
  const single = { bare: [], job: [] };
  for (let i = 0; i < scaled(300); i += 1) {
    single.bare.push(await bare());
    single.job.push(await job());
  }

  say('watching prints …');
  const stream = await streaming(scaled(100));

  const rates = [];
  for (const clients of [1, 8, 32]) {
    say(`${clients} clients …`);
    // Bare python two at a time keeps both processors busy: the fair measure of a machine's rate.
    const bareRate = await rateOf(scaled(200), cpus().length, bare);
    const { perSecond, times } = await rateOf(scaled(clients === 1 ? 300 : 1_000), clients, job);
    rates.push({
      clients,
      jobsPerSecond: perSecond,
      barePerSecond: bareRate.perSecond,
      ratio: perSecond / bareRate.perSecond,
      ...percentiles(times),
    });
  }

  say('submitting only …');
  const ids = [];
  const submit = await rateOf(scaled(2_000), 32, () => timed(async () => ids.push((await post({})).id)));
  say('waiting for them …');
  const drained = await drain(ids);

  say('memory after more jobs …');
  const total = 5_000;
  await rateOf(scaled(total), 32, job);
  const after = residentBytes(platform.pid);

  const barePython = percentiles(single.bare);
  const endToEndMs = percentiles(single.job);
  return {
    barePython,
    endToEnd: { ...endToEndMs, ratio: endToEndMs.p50Ms / barePython.p50Ms },
    stream,
    rates,
    submitOnly: { perSecond: submit.perSecond, ...percentiles(submit.times), thenEndedPerSecond: drained },
    memory: Object.keys(idle).map((name) => ({
      name,
      idleMiB: mib(idle[name]),
      afterMiB: mib(after[name] ?? 0),
      flat: (after[name] ?? Number.POSITIVE_INFINITY) <= TARGETS.memoryGrowth * idle[name] + TARGETS.memoryGrowthBytes,
    })),
    targets: TARGETS,
  };
}

/** A job from request to result, in one request. */
async function endToEnd() {
  const { result } = await post({ Prefer: 'wait=60' });
  if (result?.stdout !== 'Hello, World!\n') throw new Error(`a job ended wrong: ${JSON.stringify(result)}`);
}

function post(headers) {
  const body = JSON.stringify({ code: HELLO });
  return ask(
    'POST',
    '/v1/jobs',
    { 'Content-Type': 'application/json', 'Content-Length': body.length, ...headers },
    body,
  );
}

function ask(method, path, headers, body) {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port: platform.httpPort, path, method, agent, headers }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        if (response.statusCode >= 300) reject(new Error(`${response.statusCode}: ${text}`));
        else resolve(JSON.parse(text));
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** How long after a print each line is at a client that watches, in milliseconds: same clock, as it is one machine. */
async function streaming(lines) {
  const code = `import time\nfor _ in range(${lines}):\n    print(time.time())\n    time.sleep(0.05)`;
  const body = JSON.stringify({ code });
  const { id } = await ask(
    'POST',
    '/v1/jobs',
    { 'Content-Type': 'application/json', 'Content-Length': body.length },
    body,
  );
  const response = await fetch(`http://127.0.0.1:${platform.httpPort}/v1/jobs/${id}/events`);
  const delays = [];
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const nowMs = performance.timeOrigin + performance.now();
    for (const [, printed] of chunk.matchAll(/"text":"(\d+\.\d+)\\n"/g)) delays.push(nowMs - Number(printed) * 1_000);
  }
  if (delays.length < lines) throw new Error(`only ${delays.length} of ${lines} prints arrived one by one`);
  return percentiles(delays);
}

/** Wait until every job has ended; jobs per second from now on. */
async function drain(ids) {
  const startMs = performance.now();
  const left = new Set(ids);
  while (left.size > 0) {
    for (const id of [...left].slice(0, 100)) {
      const { status } = await ask('GET', `/v1/jobs/${id}`, {});
      if (status === 'succeeded') left.delete(id);
      else if (!['accepted', 'saving', 'queued', 'running'].includes(status)) throw new Error(`a job ended ${status}`);
      else break;
    }
  }
  return (ids.length / (performance.now() - startMs)) * 1_000;
}

async function timed(work) {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

/** Do something so many times by so many at once. */
async function rateOf(count, atOnce, work) {
  const times = [];
  let left = count;
  const startMs = performance.now();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (; left > 0; ) {
        left -= 1;
        times.push(await work());
      }
    }),
  );
  return { times, perSecond: (count / (performance.now() - startMs)) * 1_000 };
}

function percentiles(times) {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
  return { p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99) };
}

function mib(bytes) {
  return Math.round(bytes / 1024 / 1024);
}

function print({ barePython, endToEnd: job, stream, rates, submitOnly, memory }) {
  const ms = (value) => `${value.toFixed(1)} ms`.padStart(10);
  const times = ({ p50Ms, p95Ms, p99Ms }) => `p50${ms(p50Ms)}   p95${ms(p95Ms)}   p99${ms(p99Ms)}`;
  const verdict = (holds) => (holds ? 'met' : 'MISSED');
  console.log(`
bare ${PYTHON} hello.py     ${times(barePython)}
one job, end to end          ${times(job)}   ${job.ratio.toFixed(2)} × bare (target ≤ ${TARGETS.endToEndRatio}: ${verdict(job.ratio <= TARGETS.endToEndRatio)})
`);
  console.log(
    `from print to a watcher       ${times(stream)}   (target ≤ ${TARGETS.printMs} ms: ${verdict(stream.p99Ms <= TARGETS.printMs)})\n`,
  );
  for (const { clients, jobsPerSecond, barePerSecond, ratio, ...rest } of rates) {
    console.log(
      `${String(clients).padStart(2)} clients  ${jobsPerSecond.toFixed(0).padStart(5)} jobs/s   ${times(rest)}   ${ratio.toFixed(2)} × bare on every processor (${barePerSecond.toFixed(0)}/s)`,
    );
  }
  const best = Math.max(...rates.map(({ jobsPerSecond }) => jobsPerSecond));
  console.log(
    `best rate ${best.toFixed(0)} jobs/s (target ≥ ${TARGETS.jobsPerSecond}: ${verdict(best >= TARGETS.jobsPerSecond)})`,
  );
  console.log(
    `submit only ${submitOnly.perSecond.toFixed(0)}/s   ${times(submitOnly)}   then ended at ${submitOnly.thenEndedPerSecond.toFixed(0)}/s\n`,
  );
  console.log(`resident memory      idle   after ${scaled(5_000)} jobs more`);
  for (const { name, idleMiB, afterMiB } of memory) {
    console.log(`${name.padEnd(16)} ${String(idleMiB).padStart(5)} MiB ${String(afterMiB).padStart(6)} MiB`);
  }
  const { memoryGrowth, memoryGrowthBytes } = TARGETS;
  const flat = verdict(memory.every((each) => each.flat));
  console.log(`memory flat: ${flat} (target: each process ≤ ${memoryGrowth} × idle + ${mib(memoryGrowthBytes)} MiB)`);
}
