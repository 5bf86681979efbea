/** Where the run stands, and how it ended: in words, in numbers, and what the server would say of it. */
import type { RunState } from '../run/run.js';
import { factsOf, wordsFor } from '../run/verdict.js';

export function VerdictBar({ state, started }: { readonly state: RunState; readonly started: boolean }) {
  const { title, tone } = titleOf(state);
  return (
    <div class={`verdict ${tone}`} data-status={state.status}>
      <p class="verdict-title">
        <span class="verdict-mark" aria-hidden="true" />
        {title}
      </p>
      <dl class="facts">
        {state.job &&
          factsOf(state.job).map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
      {/* Announced once, and not with every number. */}
      <p class="visually-hidden" role="status">
        {started ? title : ''}
      </p>
    </div>
  );
}

function titleOf({ phase, status, cancelling, refusal, failure }: RunState): { title: string; tone: string } {
  if (refusal) return { title: 'Not run', tone: 'bad' };
  if (phase === 'idle') return { title: 'Output', tone: 'neutral' };
  if (phase === 'submitting') return { title: 'Sending', tone: 'busy' };
  if (failure && phase === 'ended' && !status) return { title: 'Not run', tone: 'bad' };
  if (phase === 'running' && cancelling) return { title: 'Cancelling', tone: 'busy' };
  const words = wordsFor(status ?? 'accepted');
  return { title: words.title, tone: phase === 'running' ? 'busy' : words.tone };
}
