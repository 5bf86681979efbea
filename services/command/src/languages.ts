/** The languages that runners have offered, as workers recorded them. Command itself never talks to a runner. */
import { chooseVersion, compareVersions } from '@runlane/contract';
import type { JobStore, OfferedLanguage, RunnerRecord } from '@runlane/core';

/** A runner not seen for this long, in milliseconds, is taken to be away. */
const AWAY_AFTER_MS = 30_000;
/** How long an answer of the store is used, in milliseconds. */
const CACHE_MS = 1_000;
/** Why a language is not available whose runner is away. */
const AWAY = 'no runner that has it is connected; jobs for it wait for one';

export interface KnownLanguage extends OfferedLanguage {
  readonly title: string;
  readonly compiled: boolean;
  readonly terminal: boolean;
  /** A runner can run it; when it is not available, that runner is away, and jobs wait for it. */
  readonly usable: boolean;
  /** A runner that is here can run it. */
  readonly available: boolean;
  /** It is what a runner takes when no version is asked for. */
  readonly isDefault: boolean;
}

interface SeenRunner extends RunnerRecord {
  readonly available: boolean;
}

/** As of one moment. */
interface Seen {
  readonly runners: readonly SeenRunner[];
  readonly languages: readonly KnownLanguage[];
}

export interface Languages {
  /** By name, then by version, the newest first. */
  all(): Promise<readonly KnownLanguage[]>;
  runners(): Promise<readonly SeenRunner[]>;
  /** Have the next call ask the store: a runner has just been recorded. */
  forget(): void;
}

export function createLanguages(store: JobStore, now: () => number = Date.now): Languages {
  let cached: { readonly atMs: number; readonly seen: Promise<Seen> } | undefined;

  function seen(): Promise<Seen> {
    if (!cached || now() - cached.atMs > CACHE_MS) {
      const asked = store.runners().then((records) => seenOf(records, now()));
      // A failure, or no runner yet, is not kept: the next call asks again.
      asked
        .then(
          ({ runners }) => runners.length > 0,
          () => false,
        )
        .then((keep) => {
          if (!keep && cached?.seen === asked) cached = undefined;
        });
      cached = { atMs: now(), seen: asked };
    }
    return cached.seen;
  }

  return {
    all: async () => (await seen()).languages,
    runners: async () => (await seen()).runners,
    forget() {
      cached = undefined;
    },
  };
}

/** Put together once for all who ask within the time of the cache: every submission does. */
function seenOf(records: readonly RunnerRecord[], nowMs: number): Seen {
  const runners = records.map((record) => ({ ...record, available: nowMs - record.seenAtMs < AWAY_AFTER_MS }));
  const merged = merge(runners);
  const usable = new Set(merged.filter((language) => language.usable).map(({ name }) => name));
  const languages = merged
    .filter((language) => language.usable || !usable.has(language.name))
    .sort((a, b) => a.name.localeCompare(b.name) || compareVersions(b.version, a.version));
  return { runners, languages };
}

/**
 * Each version of each language once. Runners that are here come last: what they say of themselves is what counts. It has a
 * terminal where one of them has: workers send jobs that need one there.
 */
function merge(runners: readonly SeenRunner[]): KnownLanguage[] {
  const known = new Map<string, KnownLanguage>();
  for (const runner of runners.toSorted((a, b) => Number(a.available) - Number(b.available))) {
    const withDefault = new Set<string>();
    for (const language of runner.languages) {
      const key = `${language.name} ${language.version}`;
      const next = toKnown(language, runner.available, !withDefault.has(language.name));
      const earlier = known.get(key);
      known.set(key, {
        ...next,
        isDefault: next.isDefault || (alike(earlier, next) && earlier.isDefault),
        terminal: next.terminal || (earlier?.usable === true && earlier.terminal),
      });
      if (next.usable) withDefault.add(language.name);
    }
  }
  return [...known.values()];
}

const alike = (a: KnownLanguage | undefined, b: KnownLanguage): a is KnownLanguage => a?.available === b.available;

function toKnown(language: OfferedLanguage, isHere: boolean, isFirst: boolean): KnownLanguage {
  const { unavailableReason = isHere ? undefined : AWAY, ...rest } = language;
  const usable = language.unavailableReason === undefined;
  return {
    ...rest,
    title: language.title || language.name,
    compiled: language.compiled ?? false,
    terminal: language.terminal ?? false,
    usable,
    available: isHere && usable,
    isDefault: usable && isFirst,
    ...(unavailableReason !== undefined && { unavailableReason }),
  };
}

/**
 * The language that is meant by a name: the one that is called so, or else one that has it as an alias, of several one that can
 * be run. Runners that do not know of each other may give an alias to two.
 */
export function calledLanguage(known: readonly KnownLanguage[], asked: string): KnownLanguage | undefined {
  const wanted = asked.toLowerCase();
  const aliased = known.filter(({ aliases }) => aliases.includes(wanted));
  return (
    known.find(({ name }) => name === wanted) ??
    aliased.find(({ available }) => available) ??
    aliased.find(({ usable }) => usable) ??
    aliased[0]
  );
}

/**
 * The version of a language that is meant, found by name or alias; one that is available rather than one that waits. None
 * that can never run.
 */
export function findLanguage(
  known: readonly KnownLanguage[],
  asked: string,
  version: string,
): KnownLanguage | undefined {
  const meant = calledLanguage(known, asked)?.name;
  const usable = known.filter((language) => language.usable && language.name === meant);
  const available = usable.filter((language) => language.available);
  return chooseVersion(defaultFirst(available), version) ?? chooseVersion(defaultFirst(usable), version);
}

/** In the order that `chooseVersion` wants; of several runners' defaults, the newest comes first. */
function defaultFirst(languages: readonly KnownLanguage[]): KnownLanguage[] {
  return languages.toSorted(
    (a, b) => Number(b.isDefault) - Number(a.isDefault) || compareVersions(b.version, a.version),
  );
}
