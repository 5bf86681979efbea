/**
 * `npm run bench`: how fast Runlane is, as ratios to a bare `python3 hello.py` on the same machine, measured in turns in the
 * same run. Machines are shared and noisy: compare ratios, not milliseconds.
 *
 *   npm run bench                 all
 *   npm run bench -- --short      a tenth of the work
 *   npm run bench -- languages    only hello in every language, in turns with its bare tool; or in those named after it
 *   npm run bench -- watchers     only a thousand who watch one job: memory of each, and whether all are told everything
 *   npm run bench -- pages        only the playground in chromium: a first visit, and the time from Run to output
 *   npm run bench -- scale        only whether it grows: more workers, clients that do not wait, a hundred thousand jobs that do;
 *                                 `scale workers` or `scale depth` is one half of it, --jobs=N another number that waits
 *   npm run bench -- --trace      only where the time of a job goes
 *   npm run bench -- --long       only ten minutes of load: whether the rate or the memory drifts
 *   npm run bench -- --json       for machines; goes with each of the others
 *
 * GO_JUDGE_URL=http://…:5050 measures a running go-judge beside it; PYTHON_VENV=/… what importing its numpy beforehand brings.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildWhatIsStale } from '../scripts/setup.mjs';
import { connect } from './client.mjs';
import { measureDrift, printDrift } from './drift.mjs';
import { connectGoJudge } from './go-judge.mjs';
import { measureLanguages, printLanguages } from './languages.mjs';
import { HELLO, inTurns, mib, PYTHON, rateOf, ratesInTurns, WARM_UP_JOBS } from './measure.mjs';
import { measurePages, printPages } from './pages.mjs';
import { residentBytes, startPlatform } from './platform.mjs';
import { measureDocker, measureImport, measureJail } from './sandboxes.mjs';
import { measureScale, printScale } from './scale/scale.mjs';
import { print } from './table.mjs';
import { measureStages, printStages } from './trace.mjs';
import { measureWatchers, printWatchers } from './watchers.mjs';

const run = promisify(execFile);
const has = (option) => process.argv.includes(option);
const scaled = (count) => (has('--short') ? Math.ceil(count / 10) : count);
const CLIENTS = [1, 8, 32];
/** How often bare Python and the work measured take turns, for one rate. */
const RATE_ROUNDS = 5;

const say = (text) => has('--json') || console.log(text);
await buildWhatIsStale({ say });
const folder = await mkdtemp(join(tmpdir(), 'runlane-bench-'));
const program = join(folder, 'hello.py');
await writeFile(program, HELLO);
const bare = () => run(PYTHON, [program]);
try {
  if (has('--trace')) report(await measureStages(scaled(1_000), join(folder, 'data')), printStages);
  else if (has('languages')) report(await measureLanguages(languageWork()), printLanguages);
  else if (has('watchers')) report(await measureWatchers(join(folder, 'data'), scaled(1_000), say), printWatchers);
  else if (has('scale')) report(await measureScale(scaleWork()), printScale);
  else if (has('pages')) report(await measurePages(join(folder, 'data'), scaled(20)), printPages);
  else if (has('--long')) report(await measureDrift(join(folder, 'data'), say), printDrift);
  else report(await measureAll(), print);
} finally {
  await rm(folder, { recursive: true, force: true });
}

function report(results, show) {
  if (has('--json')) console.log(JSON.stringify(results, undefined, 2));
  else show(results);
}

function languageWork() {
  const only = process.argv.slice(process.argv.indexOf('languages') + 1).filter((word) => !word.startsWith('--'));
  return { folder, rounds: scaled(100), firsts: scaled(20), only, say };
}

function scaleWork() {
  const words = process.argv.slice(process.argv.indexOf('scale') + 1);
  const [, jobs] = words.map((word) => /^--jobs=(\d+)$/.exec(word)).find(Boolean) ?? [];
  const only = words.filter((word) => !word.startsWith('--'));
  return { folder, short: has('--short'), only, jobs: jobs && Number(jobs), say };
}

async function measureAll() {
  say('the jail alone, in turns with bare python …');
  const jail = await measureJail(scaled(300), bare);
  const venv = process.env.PYTHON_VENV;
  say(venv ? 'importing numpy …' : 'no PYTHON_VENV with numpy: importing it beforehand is not measured');
  const numpy = venv && (await measureImport(scaled(100), venv));
  const embedded = await measureEmbedded();
  say('the same with queues in Redis …');
  const redis = await measureRedis();
  say('containers, in turns with docker run …');
  const docker = await measureDocker(scaled(30));
  say(process.env.GO_JUDGE_URL ? 'go-judge …' : 'no GO_JUDGE_URL: no peer is measured');
  const peer = process.env.GO_JUDGE_URL && (await measurePeer(process.env.GO_JUDGE_URL));
  return { jail, numpy, ...embedded, redis, docker, peer, clients: CLIENTS, memoryJobs: scaled(5_000) };
}

/** The platform as `npm start` runs it. */
async function measureEmbedded() {
  const platform = await startPlatform(join(folder, 'embedded'));
  const client = connect(platform.httpPort);
  try {
    say('warming up …');
    await rateOf(WARM_UP_JOBS, 8, client.endToEnd);
    const idle = residentBytes(platform.pid);
    say('one job after the other, in turns with bare python …');
    const endToEnd = await inTurns(scaled(300), { bare, work: client.endToEnd });
    say('watching prints …');
    const stream = await client.streaming(scaled(100));
    const rates = await ratesOf(client.endToEnd);
    say('submitting only …');
    const ids = [];
    const submitOnly = await rateOf(scaled(2_000), 32, async () => ids.push((await client.submit()).id));
    say('waiting for them …');
    const thenEndedPerSecond = await client.drain(ids);
    say('memory after more jobs …');
    await rateOf(scaled(5_000), 32, client.endToEnd);
    const after = residentBytes(platform.pid);
    const memory = Object.keys(idle).map((name) => ({
      name,
      idleMiB: mib(idle[name]),
      afterMiB: mib(after[name] ?? 0),
    }));
    return { endToEnd, stream, rates, submitOnly: { perSecond: submitOnly.perSecond, thenEndedPerSecond }, memory };
  } finally {
    client.close();
    await platform.stop();
  }
}

/** Rates at several numbers of clients, in turns with that of bare Python on every processor: the fair measure of a machine. */
async function ratesOf(work, clients = CLIENTS) {
  const rates = [];
  for (const count of clients) {
    say(`${count} clients …`);
    const jobs = scaled(count === 1 ? 60 : 300);
    rates.push({
      clients: count,
      ...(await ratesInTurns(RATE_ROUNDS, {
        bare: () => rateOf(scaled(100), cpus().length, bare),
        work: () => rateOf(jobs, count, work),
      })),
    });
  }
  return rates;
}

/** Undefined where there is no redis-server. */
async function measureRedis() {
  const { findServer, startRedis } = await import('../packages/core/dist/testing/index.js');
  if ('missing' in findServer('redis-server')) return undefined;
  const redis = await startRedis({ dir: folder });
  const platform = await startPlatform(join(folder, 'redis-data'), { REDIS_URL: redis.url });
  const client = connect(platform.httpPort);
  try {
    await rateOf(WARM_UP_JOBS, 8, client.endToEnd);
    return await ratesOf(client.endToEnd, [8]);
  } finally {
    client.close();
    await platform.stop();
    await redis.stop();
  }
}

async function measurePeer(url) {
  const peer = connectGoJudge(url);
  try {
    await rateOf(WARM_UP_JOBS / 10, 8, peer.run);
    return await ratesOf(peer.run);
  } finally {
    peer.close();
  }
}
