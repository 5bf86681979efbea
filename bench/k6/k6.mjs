/** Runs k6, which loads and judges, and keeps what it tells. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const SCENARIOS = fileURLToPath(new URL('scenarios.js', import.meta.url));
const PROGRESS_MS = 5_000;
/** Different reasons that are kept of each kind: enough to know what is wrong. */
const REASONS = 10;
/** How k6 ends when a threshold was not met. */
const THRESHOLD_MISSED = 99;

/** Where k6 is; it is built where it is missing. */
export async function findK6(log) {
  const { prepareGoTool } = await import('../../packages/core/dist/testing/index.js');
  const found = await prepareGoTool('k6', log);
  if (found.missing) throw new Error(found.missing);
  return found.path;
}

export async function runK6({ k6, folder, scenario, seconds, rate, patienceSeconds, target, say }) {
  const summary = join(folder, 'summary.json');
  const run = `${Date.now().toString(36)}-${process.pid}`;
  const startedAtMs = Date.now();
  const child = spawn(k6, ['run', '--quiet', '--no-usage-report', '--log-format', 'raw', SCENARIOS], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      // Everything that the scenarios import is in k6 itself.
      K6_AUTO_EXTENSION_RESOLUTION: 'false',
      LOAD_SCENARIO: scenario,
      LOAD_SECONDS: String(seconds),
      LOAD_RATE: String(rate),
      LOAD_PATIENCE_SECONDS: String(patienceSeconds),
      LOAD_RUN: run,
      LOAD_SUMMARY: summary,
      LOAD_URL: target.url,
      ...(target.grpc && { LOAD_GRPC: target.grpc }),
      ...(target.grpcTls && { LOAD_GRPC_TLS: '1' }),
      ...(target.apiKey && { LOAD_API_KEY: target.apiKey }),
    },
  });
  const told = createListener();
  createInterface({ input: child.stderr }).on('line', told.hear);
  const progress = setInterval(() => say(told.progress((Date.now() - startedAtMs) / 1_000)), PROGRESS_MS);
  const stop = () => child.kill('SIGINT');
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop);
  const [code] = await once(child, 'close');
  for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, stop);
  clearInterval(progress);
  if (code !== 0 && code !== THRESHOLD_MISSED)
    throw new Error(`k6 ended with exit code ${code}:\n${told.words.join('\n')}`);
  const metrics = JSON.parse(await readFile(summary, 'utf8'));
  return { ...figuresOf(metrics), reasons: told.reasons, jobs: told.jobs, run, startedAtMs, passed: code === 0 };
}

/** The facts that the scenarios tell, a line each; anything else is k6's own words. */
function createListener() {
  const jobs = new Map();
  const reasons = { lost: {}, doubled: {}, failed: {}, refused: {} };
  const words = [];
  let endedCount = 0;

  function hear(line) {
    const fact = parse(line);
    if (!fact) words.push(line);
    else if (fact.accepted) jobs.set(fact.accepted.id, [...(jobs.get(fact.accepted.id) ?? []), fact.accepted]);
    else if (fact.ended) {
      endedCount += 1;
      const [job] = jobs.get(fact.ended.id) ?? [];
      if (job) Object.assign(job, fact.ended);
    }
    for (const [kind, counts] of Object.entries(reasons)) {
      const what = fact?.[kind];
      if (what) count(counts, what.why ? `${what.id}: ${what.why}` : what);
    }
    if (words.length > 50) words.shift();
  }

  const progress = (seconds) =>
    `${seconds.toFixed(0).padStart(5)} s  ${jobs.size} accepted, ${endedCount} ended${Object.keys(reasons.failed).length > 0 ? ', with failures' : ''}`;
  return { hear, progress, jobs, reasons, words };
}

function count(counts, reason) {
  if (Object.hasOwn(counts, reason) || Object.keys(counts).length < REASONS) counts[reason] = (counts[reason] ?? 0) + 1;
}

function parse(line) {
  try {
    return line.startsWith('{') ? JSON.parse(line) : undefined;
  } catch {
    return undefined;
  }
}

function figuresOf(metrics) {
  const count = (name) => metrics[name]?.values.count ?? 0;
  const trend = metrics.end_to_end_ms?.values;
  return {
    accepted: count('jobs_accepted'),
    lost: count('jobs_lost'),
    doubled: count('jobs_doubled'),
    failures: count('failures'),
    refused: count('requests_refused'),
    /** Not sent, as too many waited already. */
    notSent: count('dropped_iterations'),
    endToEndMs: trend && { p50: trend.med, p95: trend['p(95)'], p99: trend['p(99)'], most: trend.max },
    thresholds: Object.fromEntries(
      Object.entries(metrics).flatMap(([name, { thresholds }]) =>
        thresholds ? [[name, Object.values(thresholds).every(({ ok }) => ok)]] : [],
      ),
    ),
  };
}
