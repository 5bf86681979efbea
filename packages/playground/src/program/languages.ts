/** The languages of the server, as one chooses: by language first, then by version. */
import type { Language } from '@runlane/client';

export interface Choice {
  readonly name: string;
  readonly title: string;
  readonly aliases: readonly string[];
  /** In the order of the server: the first that is available is what runs when none is asked for. */
  readonly versions: readonly Language[];
  readonly available: boolean;
  readonly reason: string | undefined;
  readonly terminal: boolean;
}

/** Sorted by title. */
export function toChoices(languages: readonly Language[]): Choice[] {
  const byName = new Map<string, Language[]>();
  for (const language of languages) {
    byName.set(language.name, [...(byName.get(language.name) ?? []), language]);
  }
  const choices = [...byName].map(([name, versions]): Choice => {
    const [first] = versions;
    const available = versions.some((each) => each.available);
    return {
      name,
      title: first?.title || name,
      aliases: first?.aliases ?? [],
      versions,
      available,
      reason: available ? undefined : (first?.unavailableReason ?? 'no runner offers it now'),
      terminal: versions.some((each) => each.terminal && each.available),
    };
  });
  return choices.sort((a, b) => a.title.localeCompare(b.title));
}

export function findChoice(choices: readonly Choice[], name: string): Choice | undefined {
  return choices.find((each) => each.name === name) ?? choices.find(({ aliases }) => aliases.includes(name));
}
