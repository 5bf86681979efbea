/** A line to type to a program that runs. */
import { useState } from 'preact/hooks';

export interface LiveInputProps {
  onLine(text: string): void;
  onEnd(): void;
}

export function LiveInput({ onLine, onEnd }: LiveInputProps) {
  const [line, setLine] = useState('');
  return (
    <form
      class="live-input"
      onSubmit={(event) => {
        event.preventDefault();
        onLine(`${line}\n`);
        setLine('');
      }}
      onKeyDown={(event) => {
        if (event.key !== 'd' || !event.ctrlKey || line !== '') return;
        event.preventDefault();
        onEnd();
      }}
    >
      <label>
        <span class="visually-hidden">Type to the program</span>
        <input
          ref={focusOnce}
          value={line}
          spellcheck={false}
          autocapitalize="off"
          autocomplete="off"
          placeholder="Type to the program; Enter sends"
          onInput={(event) => setLine(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="small-button">
        Send
      </button>
      <button type="button" class="small-button" title="No more input (Ctrl-D)" onClick={onEnd}>
        End input
      </button>
    </form>
  );
}

/** Whoever runs such a program is about to type. */
function focusOnce(field: HTMLInputElement | null): void {
  if (!field || field.dataset.focused !== undefined) return;
  field.dataset.focused = '';
  field.focus();
}
