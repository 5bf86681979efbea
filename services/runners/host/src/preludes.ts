/**
 * Interpreters that are started before there is a program, each in a sandbox of its own that one run gets: what a language's
 * tool takes to start is over when the run comes. The languages used last have one each.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '@runlane/core';
import { fillCommand, fillVariables, OUT_FOLDER } from './command.js';
import type { Language } from './languages.js';
import type { Prelude, Run, RunLimits, RunRequest, Sandbox } from './sandbox/sandbox.js';
import type { Setups } from './setups.js';

/** A run that a prelude may be able to take. */
export interface LateRun {
  readonly language: Language;
  readonly entry: string;
  /** Names of the client's own variables. */
  readonly variables: readonly string[];
  readonly request: RunRequest;
}

export interface Preludes {
  /** The run, in the sandbox of a prelude that waited for one like it; undefined where none does. */
  take(run: LateRun): Promise<Run | undefined>;
  close(): void;
}

export interface PreludesOptions {
  readonly sandbox: Sandbox;
  readonly setups: Pick<Setups, 'isMade'>;
  /** How many wait at once. */
  readonly most: number;
  readonly log: Log;
}

/** After a run began, the next prelude is started soon after that has ended, or at the latest after this, in milliseconds. */
const RESTOCK_AFTER_MS = 100;
/** How soon: what ends a job and answers its client comes first, in milliseconds. */
const REST_MS = 10;
/** For how long a language whose prelude failed is done without, in milliseconds. */
const PAUSE_MS = 60_000;
/** Bytes of all files of a run that a prelude is given. */
const MOST_FILE_BYTES = 1024 * 1024;
/** Limits that begin with the run, outside of its process; the others hold from the start of the prelude. */
const OF_THE_RUN = ['wallTimeMs', 'cpuTimeMs', 'outputBytes', 'producedFiles', 'producedBytes'] as const;

interface Waiting {
  readonly prelude: Prelude;
  readonly argv: readonly string[];
}

export function createPreludes({ sandbox, setups, most, log }: PreludesOptions): Preludes {
  /** Undefined: it is being started. In the order of use, the oldest first. */
  const stock = new Map<Language, Waiting | undefined>();
  const pausedUntilMs = new Map<Language, number>();
  let closed = false;

  return {
    async take(run) {
      const { language, request } = run;
      if (!sandbox.openPrelude || !language.manifest.prelude || most === 0) return undefined;
      const waiting = stock.get(language);
      if (!waiting) {
        if (!stock.has(language)) void sleep(RESTOCK_AFTER_MS, undefined, { ref: false }).then(() => restock(language));
        return undefined;
      }
      if (!fits(waiting, run)) return undefined;
      stock.delete(language);
      try {
        return restocking(language, await waiting.prelude.take(request));
      } catch (err) {
        // Nothing of the run was started: it is begun as any other.
        log.warn({ err, language: language.manifest.name }, 'a prelude did not take a run');
        restock(language);
        return undefined;
      }
    },
    close() {
      closed = true;
      for (const waiting of stock.values()) waiting?.prelude.close();
    },
  };

  /** The run; when it is over, the next prelude of its language is started. */
  function restocking(language: Language, run: Run): Run {
    const leaving = new AbortController();
    void sleep(RESTOCK_AFTER_MS, undefined, { ref: false, signal: leaving.signal })
      .catch(() => sleep(REST_MS, undefined, { ref: false }))
      .then(() => restock(language));
    return {
      ...run,
      close() {
        run.close();
        leaving.abort();
      },
    };
  }

  function restock(language: Language): void {
    if (closed || stock.has(language) || (pausedUntilMs.get(language) ?? 0) > performance.now()) return;
    const [oldest] = stock;
    if (stock.size >= most && oldest) {
      // Nor is one thrown away that is being started: it would be so again and again where more languages are in use.
      if (!oldest[1]) return;
      stock.delete(oldest[0]);
      oldest[1].prelude.close();
    }
    stock.set(language, undefined);
    start(language).catch((reason: unknown) => {
      stock.delete(language);
      pause(language, reason);
    });
  }

  async function start(language: Language): Promise<void> {
    if (!(await setups.isMade(language))) {
      stock.delete(language);
      return;
    }
    const request = requestOf(language);
    const prelude = await sandbox.openPrelude?.(request);
    if (!prelude) return;
    if (closed) return prelude.close();
    const waiting = { prelude, argv: request.argv };
    stock.set(language, waiting);
    void prelude.gone.then(() => {
      if (stock.get(language) === waiting) stock.delete(language);
    });
  }

  function pause(language: Language, err: unknown): void {
    pausedUntilMs.set(language, performance.now() + PAUSE_MS);
    log.warn(
      { err, language: language.manifest.name },
      'a prelude failed; runs of the language start without for a minute',
    );
  }
}

/** Whether the program that waits is the one that this run needs, with limits that fit, and files that it can write. */
function fits({ argv }: Waiting, { language, entry, variables, request }: LateRun): boolean {
  const { manifest, bounds } = language;
  const { readAtStart = [] } = manifest.prelude ?? {};
  if (request.terminal) return false;
  if (variables.some((name) => readAtStart.some((beginning) => name.startsWith(beginning)))) return false;
  if (argvOf(language, entry).join('\0') !== argv.join('\0')) return false;
  // That folder is there already; and what is written passes through the memory of the process.
  if (request.files.some(({ path }) => path === request.collect)) return false;
  if (request.files.reduce((sum, { content }) => sum + content.length, 0) > MOST_FILE_BYTES) return false;
  const { defaults } = bounds;
  const ofTheRun: readonly (keyof RunLimits)[] = OF_THE_RUN;
  const same = (Object.keys(defaults) as (keyof RunLimits)[]).every(
    (name) => ofTheRun.includes(name) || request.limits[name] === defaults[name],
  );
  return same && request.limits.cpuTimeMs <= defaults.cpuTimeMs;
}

function argvOf({ manifest, tools, toolchain }: Language, entry: string): string[] {
  return fillCommand(manifest.prelude?.argv ?? [], { tools, toolchain, entry });
}

function requestOf(language: Language): RunRequest {
  const { manifest, tools, toolchain, environment, bounds } = language;
  return {
    language: manifest.name,
    argv: argvOf(language, manifest.entry),
    env: { ...environment, ...fillVariables(manifest.prelude?.env ?? {}, { tools, toolchain }) },
    files: [],
    collect: OUT_FOLDER,
    limits: bounds.defaults,
  };
}
