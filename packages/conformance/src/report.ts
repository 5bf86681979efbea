/** Results for people: a section for the runner and for each language, a line a check, one line to sum up. */
import type { CheckResult } from './check.js';

export interface Report {
  /** The lines that tell of a result: a heading too, where it is the first of its section. */
  add(result: CheckResult): string;
  summary(): string;
  /** Whether nothing failed, and anything was checked at all. */
  readonly passed: boolean;
  /** Everything, for programs. */
  toJson(): string;
}

type Paint = keyof typeof COLOURS;

const COLOURS = { ok: 32, failed: 31, cannot: 33, heading: 1, note: 2 } as const;
const NAME_WIDTH = 20;

export function createReport({ target, colour }: { target: string; colour: boolean }): Report {
  const results: CheckResult[] = [];
  const paint = (text: string, as: Paint) => (colour ? `\u001b[${COLOURS[as]}m${text}\u001b[0m` : text);
  const count = (outcome: CheckResult['outcome']) => results.filter((result) => result.outcome === outcome).length;

  function headingOf({ round, language }: CheckResult): string {
    const name = language ?? `runner ${target}`;
    return round === 1 ? name : `${name}, round ${round}`;
  }

  function verdictOf({ outcome, reason, notes }: CheckResult): string {
    const said = notes.length > 0 ? paint(` (${notes.join('; ')})`, 'note') : '';
    if (outcome === 'ok') return paint('ok', 'ok') + said;
    const word = outcome === 'failed' ? 'FAILED: ' : 'cannot: ';
    return paint(word, outcome) + (reason ?? '') + said;
  }

  return {
    add(result) {
      const before = results.at(-1);
      results.push(result);
      const line = `  ${result.check.padEnd(NAME_WIDTH)}${verdictOf(result)}\n`;
      const heading = headingOf(result);
      if (before && headingOf(before) === heading) return line;
      return `${before ? '\n' : ''}${paint(heading, 'heading')}\n${line}`;
    },
    summary: () => `${count('ok')} passed, ${count('failed')} failed, ${count('cannot')} not possible`,
    get passed() {
      return count('failed') === 0 && count('ok') > 0;
    },
    toJson() {
      const counts = { passed: count('ok'), failed: count('failed'), notPossible: count('cannot') };
      return JSON.stringify({ target, ...counts, results }, undefined, 2);
    },
  };
}
