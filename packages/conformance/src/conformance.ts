/** Runs every check against a runner, one after the other, and tells of each as soon as it is over. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { runner } from '@runlane/contract';
import type { CheckResult, RunnerSubject } from './check.js';
import { LANGUAGE_CHECKS, RUNNER_CHECKS } from './checks/index.js';
import { CallError, CheckFailure, expect, isNobodyThere, NobodyThere } from './failure.js';
import { freeSlots, slotsComeBack } from './free-slots.js';
import { openPrograms } from './programs.js';
import { connectRunner, type RunnerClient, type RunnerTarget } from './runner-client.js';
import { createAttempt, forLanguage, type Prepared } from './subject.js';

/** How long a check waits for what the one before it has left, in milliseconds. */
const SETTLE_MS = 2_000;

export interface ConformanceOptions extends RunnerTarget {
  /** Names of languages; all that the runner describes when empty. */
  readonly languages: readonly string[];
  /** Holds `<language>/programs/<program>.*` and what a language cannot do. */
  readonly programsDir: string;
  /** Longest that one check may take, in milliseconds. */
  readonly timeoutMs: number;
  /** How often everything is checked. */
  readonly rounds: number;
}

type Verdict = Pick<CheckResult, 'outcome' | 'reason' | 'notes' | 'tookMs'>;

export async function* checkRunner(options: ConformanceOptions): AsyncGenerator<CheckResult, void, undefined> {
  const client = connectRunner(options, options.timeoutMs);
  // A runner that answers nothing must not take the time of a check between checks too.
  const watcher = connectRunner(options, SETTLE_MS);
  const bench = createBench(client, watcher, options);
  try {
    for (let round = 1; round <= options.rounds; round += 1) {
      for await (const result of oneRound(bench, options)) yield { round, ...result };
    }
  } catch (error) {
    if (!(error instanceof NobodyThere)) throw error;
    const { message: reason } = error;
    yield { round: 1, language: undefined, check: 'connection', outcome: 'failed', reason, notes: [], tookMs: 0 };
  } finally {
    client.close();
    watcher.close();
  }
}

type RoundResult = Omit<CheckResult, 'round'>;

async function* oneRound(bench: Bench, options: ConformanceOptions): AsyncGenerator<RoundResult, void, undefined> {
  for (const { name, run } of RUNNER_CHECKS) {
    const verdict = await bench.check(run);
    yield { language: undefined, check: name, ...verdict };
  }
  let described: runner.DescribeResponse | undefined;
  const languages = await bench.check(async ({ client }) => {
    described = await client.describe();
  });
  yield { language: undefined, check: 'languages', ...languages };
  if (!described) return;
  for (const { label, language } of wantedOf(described, options)) {
    for await (const result of oneLanguage(bench, described, language, options)) yield { language: label, ...result };
  }
}

interface Wanted {
  /** Its name, and its version where there are several. */
  readonly label: string;
  readonly language: runner.RunnerLanguage | undefined;
}

function wantedOf({ languages }: runner.DescribeResponse, options: ConformanceOptions): Wanted[] {
  const asWanted = (language: runner.RunnerLanguage): Wanted => {
    const several = languages.filter(({ name }) => name === language.name).length > 1;
    return { label: several ? `${language.name} ${language.version}` : language.name, language };
  };
  if (options.languages.length === 0) return languages.map(asWanted);
  return options.languages.flatMap((name) => {
    const found = languages.filter((one) => one.name === name || one.aliases.includes(name));
    return found.length > 0 ? found.map(asWanted) : [{ label: name, language: undefined }];
  });
}

async function* oneLanguage(
  bench: Bench,
  { slots }: runner.DescribeResponse,
  language: runner.RunnerLanguage | undefined,
  options: ConformanceOptions,
): AsyncGenerator<Omit<RoundResult, 'language'>, void, undefined> {
  const reason = language?.unavailableReason;
  if (reason && options.languages.length === 0) {
    yield { check: 'offered', outcome: 'cannot', reason, notes: [], tookMs: 0 };
    return;
  }
  let prepared: Prepared | undefined;
  const offered = await bench.check(async ({ note }) => {
    expect(language !== undefined, 'the runner does not describe it');
    expect(!reason, `it is not available: ${reason}`);
    const programs = await openPrograms(options.programsDir, language.name);
    prepared = { language, slots, programs, digests: new Map() };
    note(`version ${language.version}`);
  });
  yield { check: 'offered', ...offered };
  if (prepared) yield* languageChecks(bench, prepared);
}

async function* languageChecks(
  bench: Bench,
  prepared: Prepared,
): AsyncGenerator<Omit<RoundResult, 'language'>, void, undefined> {
  for (const { name, needs, needsTerminal, run } of LANGUAGE_CHECKS) {
    const noTerminal = needsTerminal && !prepared.language.terminal && 'the runner offers no terminal';
    const reason = noTerminal || needs.map(prepared.programs.cannot).find(Boolean);
    const verdict: Verdict = reason
      ? { outcome: 'cannot', reason, notes: [], tookMs: 0 }
      : await bench.check((subject) => run(forLanguage(subject, prepared)));
    yield { check: name, ...verdict };
  }
}

interface Bench {
  /**
   * Run one check: whatever it does, it ends in time and in a verdict, and leaves no call behind.
   * @throws NobodyThere when it fails and no connection to the runner can be made.
   */
  check(run: (subject: RunnerSubject) => Promise<void>): Promise<Verdict>;
}

function createBench(client: RunnerClient, watcher: RunnerClient, options: ConformanceOptions): Bench {
  const { target, timeoutMs } = options;
  /** Slots that come back: fewer and fewer where a runner loses them, which is waited for once for each. */
  let expected = 0;

  async function settle(): Promise<void> {
    const settled = await slotsComeBack(watcher, expected, SETTLE_MS).catch(() => undefined);
    if (settled === undefined) expected = await freeSlots(watcher).catch(() => 0);
  }

  async function expectSomebody(): Promise<void> {
    const error: unknown = await watcher.describe().catch((caught: unknown) => caught);
    if (isNobodyThere(error)) throw new NobodyThere(target, error);
  }

  return {
    async check(run) {
      const attempt = createAttempt(options, client);
      expected = Math.max(expected, await freeSlots(watcher).catch(() => 0));
      const began = performance.now();
      const reason = await within(timeoutMs, run(attempt.subject)).then(() => undefined, reasonOf);
      const tookMs = Math.round(performance.now() - began);
      attempt.release();
      if (reason !== undefined) await expectSomebody();
      await settle();
      return {
        outcome: reason === undefined ? 'ok' : 'failed',
        ...(reason && { reason }),
        notes: attempt.notes,
        tookMs,
      };
    },
  };
}

async function within(timeoutMs: number, work: Promise<void>): Promise<void> {
  const timer = new AbortController();
  const late = sleep(timeoutMs, undefined, { signal: timer.signal }).then(() => {
    throw new CheckFailure(`it was not over within ${timeoutMs / 1_000} s`);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    timer.abort();
    late.catch(() => undefined);
  }
}

/** A failure in one line. What the kit did not expect is its own fault, and said with where it happened. */
function reasonOf(error: unknown): string {
  if (error instanceof CheckFailure || error instanceof CallError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
