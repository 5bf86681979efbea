/** Where on the page a refused field is: what is wrong is said beside it. */
import type { RunlaneError } from '@runlane/client';
import type { Program } from '../program/program.js';

export type Place = 'language' | 'version' | 'files' | 'args' | 'stdin' | 'timeLimit' | 'memoryLimit' | 'talk';

interface Field {
  /** It, and all that is in it. */
  readonly start: string;
  readonly place: Place;
  /** What the page calls it and counts it in, and how many of the server's units that is. */
  readonly unit?: { readonly name: string; readonly size: number };
}

const FIELDS: readonly Field[] = [
  { start: 'language', place: 'language' },
  { start: 'version', place: 'version' },
  { start: 'code', place: 'files' },
  { start: 'files', place: 'files' },
  { start: 'entry', place: 'files' },
  { start: 'args', place: 'args' },
  { start: 'stdin', place: 'stdin' },
  { start: 'limits.wallTimeMs', place: 'timeLimit', unit: { name: 'seconds', size: 1_000 } },
  { start: 'limits.memoryBytes', place: 'memoryLimit', unit: { name: 'MiB', size: 1_048_576 } },
  { start: 'interactive', place: 'talk' },
];

export interface Placed {
  readonly at: Readonly<Partial<Record<Place, string>>>;
  /** All of it, as the page speaks of it. */
  readonly all: readonly string[];
}

export function place(refusal: Pick<RunlaneError, 'fields'> | undefined): Placed {
  const at: Partial<Record<Place, string>> = {};
  const all: string[] = [];
  for (const { field, reason } of refusal?.fields ?? []) {
    const found = FIELDS.find(
      ({ start }) => field === start || (/^[.[]/.test(field.slice(start.length)) && field.startsWith(start)),
    );
    const unit = found?.unit;
    const said = unit ? reason.replace(/\d+/g, (number) => String(Number(number) / unit.size)) : reason;
    const words = `${unit?.name ?? field}: ${said}`;
    all.push(words);
    // Beside a field stands what it counts in.
    if (found) at[found.place] = [at[found.place], unit ? said : words].filter(Boolean).join('; ');
  }
  return { at, all };
}

/** What still holds: what has been changed since it was sent may be right by now. */
export function stillAt(at: Placed['at'], sent: Program | undefined, now: Program): Placed['at'] {
  const isAsSent = (place: string) =>
    sent?.[place as Place] === now[place as Place] && (place !== 'files' || sent?.entry === now.entry);
  return Object.fromEntries(Object.entries(at).filter(([place]) => isAsSent(place)));
}
