/** The report as people read it: a row for each fault, what went wrong, and the totals in the last line. */
import type { Inflicted, Report } from './suite.js';

const HEAD = ['fault', 'accepted', 'ended', 'twice', 'lost', 'recovered', 'what happened'];

export function linesOf(report: Report): string[] {
  const rows = [HEAD, ...report.faults.map(rowOf)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const table = rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 || column === HEAD.length - 1
          ? cell.padEnd(widths[column] ?? 0)
          : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
  const { ranAgain, lost, doubled, wrong, violations, faults } = report;
  const failures = faults.flatMap(({ name, failure }) => (failure === undefined ? [] : [`FAULT ${name}: ${failure}`]));
  return [
    ...table,
    `ran more than once, as at-least-once allows: ${ranAgain.afterLoss} after a lost attempt, ${ranAgain.forWrongClock} for a wrong clock`,
    ...failures,
    ...lost.map((what) => `LOST ${what}`),
    ...doubled.map((what) => `DOUBLED ${what}`),
    ...wrong.map((what) => `WRONG ${what}`),
    ...violations.map((what) => `VIOLATION ${what}`),
    totalOf(report),
  ];
}

const totalOf = ({ accepted, ended, lost, doubled }: Report) =>
  `${accepted} accepted, ${ended} ended, ${lost.length} lost, ${doubled.length} doubled`;

function rowOf({ name, proof, skipped, failure, recoverySeconds, ...counts }: Inflicted): string[] {
  const { accepted, ended, endedTwice, lost } = counts;
  const happened = skipped ? `NOT TRIED: ${skipped}` : (failure ?? proof ?? '');
  const recovered = recoverySeconds === undefined ? '' : `${recoverySeconds.toFixed(1)} s`;
  return [name, ...[accepted, ended, endedTwice, lost].map(String), recovered, happened];
}
