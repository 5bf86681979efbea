/** The run: how it stands, what it prints, how it ended, what it left. */
import type { Api } from '../api.js';
import { LiveInput } from './live-input.js';
import { TerminalOutput, TextOutput } from './output-pane.js';
import { Produced } from './produced.js';
import type { Theme } from './theme.js';
import type { PageRun } from './use-run.js';
import { VerdictBar } from './verdict-bar.js';

export interface ResultsProps {
  readonly api: Api;
  readonly page: PageRun;
  readonly shownIn: 'text' | 'terminal';
  readonly theme: Theme;
  /** What the server refused, field by field. */
  readonly refused: readonly string[];
}

export function Results({ api, page, shownIn, theme, refused }: ResultsProps) {
  const { state, run, views } = page;
  const { phase, job, refusal, failure } = state;
  const message = job?.result?.message;
  return (
    <section class="pane results" aria-label="Result" aria-busy={phase === 'submitting' || phase === 'running'}>
      <VerdictBar state={state} started={phase !== 'idle'} />
      <div class="reasons">
        {message && <p class="reason">{message}</p>}
        {failure && (
          <p class="reason bad" role="alert">
            {failure}
          </p>
        )}
        {refusal && (
          <p class="reason bad" role="alert">
            The server did not take it: {refused.join('; ') || refusal.message}
          </p>
        )}
      </div>
      {shownIn === 'terminal' ? (
        <TerminalOutput run={run} views={views} theme={theme} />
      ) : (
        <TextOutput views={views} empty={phase === 'idle'} />
      )}
      {shownIn === 'text' && state.talking && (
        <LiveInput
          onLine={(text) => {
            views.output?.append('stdin', text);
            run.write(text);
          }}
          onEnd={run.closeStdin}
        />
      )}
      {job && <Produced job={job} api={api} />}
    </section>
  );
}
