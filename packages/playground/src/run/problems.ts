/** Where on the page a refused field is: what is wrong is said beside it. */
import type { RunlaneError } from '@runlane/client';

export type Place = 'language' | 'version' | 'files' | 'args' | 'stdin' | 'timeLimit' | 'memoryLimit' | 'talk';

/** In the order in which they are looked through. */
const FIELDS: readonly (readonly [start: string, place: Place])[] = [
  ['language', 'language'],
  ['version', 'version'],
  ['code', 'files'],
  ['files', 'files'],
  ['entry', 'files'],
  ['args', 'args'],
  ['stdin', 'stdin'],
  ['limits.wallTimeMs', 'timeLimit'],
  ['limits.memoryBytes', 'memoryLimit'],
  ['interactive', 'talk'],
];

export interface Placed {
  readonly at: Readonly<Partial<Record<Place, string>>>;
  /** What belongs nowhere on the page. */
  readonly elsewhere: readonly string[];
}

export function place(refusal: Pick<RunlaneError, 'fields'> | undefined): Placed {
  const at: Partial<Record<Place, string>> = {};
  const elsewhere: string[] = [];
  for (const { field, reason } of refusal?.fields ?? []) {
    const found = FIELDS.find(
      ([start]) => field === start || field.startsWith(`${start}[`) || field.startsWith(`${start}.`),
    );
    const words = `${field}: ${reason}`;
    if (!found) elsewhere.push(words);
    else at[found[1]] = [at[found[1]], words].filter(Boolean).join('; ');
  }
  return { at, elsewhere };
}
