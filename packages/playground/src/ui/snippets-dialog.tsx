/** The same run, from elsewhere. */
import { useState } from 'preact/hooks';
import type { Snippet } from '../program/snippets.js';
import { CopyButton } from './copy-button.js';
import { Dialog } from './dialog.js';

export function SnippetsDialog({ snippets, onClose }: { readonly snippets: readonly Snippet[]; onClose(): void }) {
  const [chosen, setChosen] = useState(snippets[0]?.title);
  const text = snippets.find(({ title }) => title === chosen)?.text ?? '';
  return (
    <Dialog title="The same run from elsewhere" class="snippets" onClose={onClose}>
      <div class="segments">
        {snippets.map(({ title }) => (
          <label key={title} class="segment">
            <input type="radio" name="snippet" checked={title === chosen} onChange={() => setChosen(title)} />
            <span>{title}</span>
          </label>
        ))}
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <section class="snippet" aria-label={chosen} tabIndex={0}>
        {text}
      </section>
      <CopyButton text={text} label="Copy" />
    </Dialog>
  );
}
