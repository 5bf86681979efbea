/** The languages that runners have offered, as workers recorded them. Command itself never talks to a runner. */
import type { JobStore, OfferedLanguage, RunnerRecord } from '@runlane/core';

/** A runner not seen for this long, in milliseconds, is taken to be away. */
const AWAY_AFTER_MS = 30_000;
/** How long an answer of the store is used, in milliseconds. */
const CACHE_MS = 1_000;

export interface KnownLanguage extends OfferedLanguage {
  readonly available: boolean;
}

export interface Languages {
  /** By name, then by version, the newest first. */
  all(): Promise<KnownLanguage[]>;
  runners(): Promise<(RunnerRecord & { readonly available: boolean })[]>;
}

export function createLanguages(store: JobStore, now: () => number = Date.now): Languages {
  let cached: { readonly atMs: number; readonly records: Promise<RunnerRecord[]> } | undefined;

  function records(): Promise<RunnerRecord[]> {
    if (!cached || now() - cached.atMs > CACHE_MS) {
      const asked = store.runners();
      // A failure, or no runner yet, is not kept: the next call asks again.
      asked
        .then(
          (found) => found.length > 0,
          () => false,
        )
        .then((keep) => {
          if (!keep && cached?.records === asked) cached = undefined;
        });
      cached = { atMs: now(), records: asked };
    }
    return cached.records;
  }

  const runners = async () =>
    (await records()).map((record) => ({ ...record, available: now() - record.seenAtMs < AWAY_AFTER_MS }));

  return {
    runners,
    async all() {
      const byVersion = new Map<string, KnownLanguage>();
      // Those that are here last: what they say of themselves is what counts.
      const records = (await runners()).sort((a, b) => Number(a.available) - Number(b.available));
      for (const { languages, available } of records) {
        for (const language of languages)
          byVersion.set(`${language.name} ${language.version}`, { ...language, available });
      }
      return [...byVersion.values()].sort(
        (a, b) => a.name.localeCompare(b.name) || b.version.localeCompare(a.version, 'en', { numeric: true }),
      );
    },
  };
}

/** The newest version of a language that fits, found by name or alias; one that is available rather than one that is not. */
export function findLanguage(
  known: readonly KnownLanguage[],
  name: string,
  version: string,
): KnownLanguage | undefined {
  const wanted = name.toLowerCase();
  const fitting = known.filter(
    (language) =>
      (language.name === wanted || language.aliases.includes(wanted)) &&
      (version === '' || language.version === version || language.version.startsWith(`${version}.`)),
  );
  return fitting.find(({ available }) => available) ?? fitting[0];
}
