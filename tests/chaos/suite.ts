/** The whole of it: a world, clients all the time, one fault after the other, then the judgement. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Facts } from '@runlane/core';
import { createMongoFactStore, silentLog } from '@runlane/core/testing';
import { FAULTS, type Fault } from './faults.js';
import { type Judgement, judge, type Run } from './judge.js';
import { createLedger, isAccepted, isEnded } from './ledger.js';
import { createLoad, type Load } from './load.js';
import { createRandom, type Random } from './random.js';
import { startWorld, type World, type WorldOptions } from './world.js';

export interface SuiteOptions extends WorldOptions {
  readonly seed: number;
  /** How often each kind of fault is made at least: they go on until there were enough jobs. */
  readonly rounds: number;
  readonly jobs: number;
  readonly jobsPerSecond: number;
  /** How long things stand still, in milliseconds. */
  readonly holdMs: number;
  /** Only faults whose names contain one of these words; all when empty. */
  readonly only?: readonly string[];
  /** Folder for what every process logged; nothing is kept when unset. */
  readonly logsFolder?: string | undefined;
  /** Ends it before its time; everything that was started is stopped all the same. */
  readonly interrupted?: AbortSignal;
  readonly say: (line: string) => void;
}

/** What became of one fault. */
export interface Inflicted {
  readonly name: string;
  /** What proves that it happened; or why not. */
  readonly proof?: string;
  readonly skipped?: string;
  readonly failure?: string;
  /** From its end until a job that was submitted then had ended, in seconds. */
  readonly recoverySeconds?: number;
  readonly accepted: number;
  readonly ended: number;
  readonly endedTwice: number;
  readonly lost: number;
}

export interface Report extends Judgement {
  readonly seed: number;
  readonly faults: readonly Inflicted[];
  /** What clients saw that they never may, and processes that ended by themselves. */
  readonly violations: readonly string[];
  readonly ok: boolean;
}

/** Longest for a job submitted after a fault to end, and for all at the end, in milliseconds. */
const RECOVERED_WITHIN_MS = 240_000;
const SETTLED_WITHIN_MS = 300_000;

interface Planned {
  readonly fault: Fault;
  readonly random: Random;
  readonly pauseMs: number;
}

type Made = Pick<Inflicted, 'name' | 'proof' | 'skipped' | 'failure' | 'recoverySeconds'>;

export async function runSuite(options: SuiteOptions): Promise<Report> {
  const { seed, say } = options;
  const random = createRandom(seed);
  const wanted = wantedOf(options);
  const faults = options.rounds * wanted.length;
  const plan = planOf(wanted, random.fork());
  const ledger = createLedger(seed);
  const world = await startWorld(options);
  say(`seed ${seed}: at least ${faults} faults, at least ${options.jobs} jobs`);
  let current = 0;
  const load = createLoad({ ...world, ledger, random: random.fork(), currentFault: () => current });
  const made: Made[] = [];
  const wrongClocks: { fromMs: number; toMs: number }[] = [];
  try {
    return await Promise.race([whole(), interruption(options.interrupted)]);
  } finally {
    load.close();
    await world.stop();
    if (options.logsFolder !== undefined) await keepLogs(world, options.logsFolder);
  }

  async function whole(): Promise<Report> {
    const over = new AbortController();
    const loaded = load.run({ perSecond: options.jobsPerSecond, atLeast: options.jobs, until: over.signal });
    loaded.catch(() => {});
    for (const planned of plan) {
      if (made.length >= faults && ledger.entries.length >= options.jobs) break;
      await sleep(planned.pauseMs);
      current = made.length;
      const fromMs = performance.now();
      const one = await make(planned, world, load, options.holdMs);
      if (/clock|ahead/.test(one.name))
        wrongClocks.push({ fromMs: monotonicOf(fromMs), toMs: monotonicOf(performance.now()) });
      made.push(one);
      const { entries } = ledger;
      say(
        `${progressOf(one)} · ${entries.filter(isAccepted).length} accepted, ${entries.filter(isEnded).length} ended`,
      );
    }
    over.abort();
    await loaded;
    say('no more faults and no more jobs: waiting for the ends');
    await load.settle(SETTLED_WITHIN_MS);
    const judgement = judge({ entries: ledger.entries, wrongClocks, ...(await readTraces(world)) });
    const violations = [...ledger.violations, ...world.members.flatMap(({ crashes }) => crashes)];
    const inflicted = made.map((one, index) => withCounts(one, index));
    const failures = [...judgement.lost, ...judgement.doubled, ...judgement.wrong, ...violations];
    const ok = failures.length === 0 && inflicted.every(({ failure }) => failure === undefined);
    return { ...judgement, seed, faults: inflicted, violations, ok };
  }

  function withCounts(one: Made, index: number): Inflicted {
    const entries = ledger.entries.filter((entry) => isAccepted(entry) && entry.fault === index);
    return {
      ...one,
      accepted: entries.length,
      ended: entries.filter(isEnded).length,
      endedTwice: entries.filter(({ ends }) => ends.length > 1).length,
      lost: entries.filter((entry) => !isEnded(entry)).length,
    };
  }
}

function interruption(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(new Error('interrupted')), { once: true });
  });
}

function wantedOf({ only = [] }: SuiteOptions): readonly Fault[] {
  const wanted = FAULTS.filter(({ name }) => only.length === 0 || only.some((word) => name.includes(word)));
  if (wanted.length === 0)
    throw new Error(`no fault is called so; there are: ${FAULTS.map(({ name }) => name).join(', ')}`);
  return wanted;
}

/** Round after round, each in another order, for as long as there are clients. */
function* planOf(wanted: readonly Fault[], random: Random): Generator<Planned> {
  for (;;)
    for (const fault of random.shuffle(wanted))
      yield { fault, random: random.fork(), pauseMs: random.between(200, 1_500) };
}

async function make({ fault, random }: Planned, world: World, load: Load, holdMs: number): Promise<Made> {
  const { name } = fault;
  const skipped = fault.impossible?.(world);
  if (skipped) return { name, skipped };
  try {
    const proof = await fault.inflict({ world, random, holdMs });
    const overAtMs = performance.now();
    const recovered = await Promise.race([
      load.probe().then(() => true),
      sleep(RECOVERED_WITHIN_MS, false, { ref: false }),
    ]);
    if (!recovered) return { name, proof, failure: `no job ended within ${RECOVERED_WITHIN_MS} ms after it` };
    return { name, proof, recoverySeconds: (performance.now() - overAtMs) / 1_000 };
  } catch (error) {
    return { name, failure: (error as Error).message };
  }
}

function progressOf({ name, proof, skipped, failure, recoverySeconds }: Made): string {
  if (skipped) return `${name}: NOT TRIED, ${skipped}`;
  if (failure) return `${name}: FAILED, ${failure}`;
  return `${name}: ${proof}; recovered in ${recoverySeconds?.toFixed(1)} s`;
}

async function keepLogs({ members }: World, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const { name, processes } of members)
    for (const [index, { log }] of processes.entries())
      await writeFile(join(folder, `${name}-${index + 1}.log`), `${log.join('\n')}\n`);
}

/** Of `performance.now()`: the machine's monotonic clock, in which traces tell the time. */
function monotonicOf(ms: number): number {
  return Number(process.hrtime.bigint() / 1_000_000n) - performance.now() + ms;
}

async function readTraces({
  runsFile,
  storeUrl,
}: World): Promise<{ runs: Run[]; attempts: Map<string, Facts['attempts']> }> {
  const lines = (await readFile(runsFile, 'utf8')).split('\n').filter(Boolean);
  const runs = lines.map((line) => JSON.parse(line) as Run);
  const facts = createMongoFactStore({ url: storeUrl, log: silentLog });
  const attempts = new Map<string, Facts['attempts']>();
  try {
    for (let after: string | undefined; ; ) {
      const page = await facts.scan('attempts', { after, limit: 500 });
      for (const { id, document } of page) attempts.set(id, document);
      after = page.at(-1)?.id;
      if (after === undefined) return { runs, attempts };
    }
  } finally {
    await facts.close();
  }
}
