/** Where on the page a refused field is: what is wrong is said beside it. */
import type { RunlaneError } from '@runlane/client';

export type Place = 'language' | 'version' | 'files' | 'args' | 'stdin' | 'timeLimit' | 'memoryLimit' | 'talk';

interface Field {
  /** It, and all that is in it. */
  readonly start: string;
  readonly place: Place;
  /** Of what is said about it, where the page has another. */
  readonly unit?: string;
}

const FIELDS: readonly Field[] = [
  { start: 'language', place: 'language' },
  { start: 'version', place: 'version' },
  { start: 'code', place: 'files' },
  { start: 'files', place: 'files' },
  { start: 'entry', place: 'files' },
  { start: 'args', place: 'args' },
  { start: 'stdin', place: 'stdin' },
  { start: 'limits.wallTimeMs', place: 'timeLimit', unit: 'milliseconds' },
  { start: 'limits.memoryBytes', place: 'memoryLimit', unit: 'bytes' },
  { start: 'interactive', place: 'talk' },
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
      ({ start }) => field === start || (/^[.[]/.test(field.slice(start.length)) && field.startsWith(start)),
    );
    const words = `${found?.unit ? '' : `${field}: `}${reason}${found?.unit ? ` (${found.unit})` : ''}`;
    if (!found) elsewhere.push(words);
    else at[found.place] = [at[found.place], words].filter(Boolean).join('; ');
  }
  return { at, elsewhere };
}
