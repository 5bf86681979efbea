/** The runs of this browser: opened again, or forgotten. */
import type { PastRun } from '../program/history.js';
import { formatMs, wordsFor } from '../run/verdict.js';
import { Dialog } from './dialog.js';

export interface HistoryDialogProps {
  readonly runs: readonly PastRun[];
  onOpen(run: PastRun): void;
  onClear(): void;
  onClose(): void;
}

export function HistoryDialog({ runs, onOpen, onClear, onClose }: HistoryDialogProps) {
  return (
    <Dialog title="Your last runs" class="history" onClose={onClose}>
      <p class="note">Kept in this browser alone, the last 30 at most.</p>
      {runs.length === 0 ? (
        <p class="nothing">Nothing has been run here yet.</p>
      ) : (
        <>
          <ol class="past">
            {runs.map((run) => (
              <li key={run.id}>
                <button type="button" onClick={() => onOpen(run)}>
                  <span class="past-head">
                    <span class={`dot ${wordsFor(run.status).tone}`} aria-hidden="true" />
                    <span>{wordsFor(run.status).title}</span>
                    <span class="past-when">{new Date(run.at).toLocaleString()}</span>
                  </span>
                  <span class="past-code">
                    {run.program.language}
                    {run.wallTimeMs !== undefined && `, ${formatMs(run.wallTimeMs)}`}: {firstLine(run)}
                  </span>
                </button>
              </li>
            ))}
          </ol>
          <button type="button" class="button" onClick={onClear}>
            Forget them all
          </button>
        </>
      )}
    </Dialog>
  );
}

function firstLine({ program: { files, entry } }: PastRun): string {
  const content = files.find(({ path }) => path === entry)?.content ?? '';
  return (
    content
      .split('\n', 20)
      .find((line) => /^\s*[\w$<]/.test(line))
      ?.slice(0, 200) ?? 'an empty program'
  );
}
