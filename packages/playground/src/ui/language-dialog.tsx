/** All languages of the server; those that cannot be run now with the reason. */
import type { Choice } from '../program/languages.js';
import { Dialog } from './dialog.js';

export interface LanguageDialogProps {
  readonly choices: readonly Choice[];
  readonly chosen: string;
  onChoose(choice: Choice): void;
  onClose(): void;
}

export function LanguageDialog({ choices, chosen, onChoose, onClose }: LanguageDialogProps) {
  const usable = choices.filter(({ available }) => available);
  const others = choices.filter(({ available }) => !available);
  return (
    <Dialog title="Language" class="languages" onClose={onClose}>
      <ul class="language-grid">
        {usable.map((choice) => (
          <li key={choice.name}>
            <button type="button" aria-pressed={choice.name === chosen} onClick={() => onChoose(choice)}>
              <span class="language-title">{choice.title}</span>
              <span class="language-version">{choice.versions.find(({ available }) => available)?.version}</span>
            </button>
          </li>
        ))}
      </ul>
      {others.length > 0 && (
        <>
          <h3>Not available on this server</h3>
          <ul class="language-list">
            {others.map(({ name, title, reason }) => (
              <li key={name}>
                <button type="button" disabled>
                  <span class="language-title">{title}</span>
                  <span class="language-reason">{reason}</span>
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
    </Dialog>
  );
}
