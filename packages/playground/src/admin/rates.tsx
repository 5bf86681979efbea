/** Jobs per second over the last minutes, as a line, and as a number for whoever does not see it. */
import type { Rate } from './status.js';

const WIDTH = 600;
const HEIGHT = 80;
/** Of so many looks, whether there are as many already or not. */
const COLUMNS = 60;

export function Rates({ rates }: { readonly rates: readonly Rate[] }) {
  const last = rates.at(-1);
  const highest = Math.max(1, ...rates.map(({ ended }) => ended));
  const points = (of: (rate: Rate) => number) =>
    rates
      .map((rate, at) => {
        const x = WIDTH - ((rates.length - 1 - at) * WIDTH) / (COLUMNS - 1);
        return `${x.toFixed(1)},${(HEIGHT - (of(rate) / highest) * HEIGHT).toFixed(1)}`;
      })
      .join(' ');
  return (
    <section>
      <h2>Jobs per second</h2>
      {last ? (
        <p>
          <b>{last.ended.toFixed(1)}</b> now, at most {highest.toFixed(1)} in the last minutes;{' '}
          <span class={last.errors > 0 ? 'bad' : undefined}>
            {last.errors.toFixed(1)} that the platform could not run
          </span>
        </p>
      ) : (
        <p>A few seconds, and there is something to compare.</p>
      )}
      <svg class="rates" viewBox={`0 -4 ${WIDTH} ${HEIGHT + 8}`} preserveAspectRatio="none" aria-hidden="true">
        <polyline class="ended" points={points(({ ended }) => ended)} />
        <polyline class="errors" points={points(({ errors }) => errors)} />
      </svg>
    </section>
  );
}
