import { useEffect, useRef } from 'preact/hooks';

/** Ctrl+Enter, or ⌘ Enter, wherever the keyboard is but in a dialog. */
export function useRunKey(start: () => unknown): void {
  const latest = useRef(start);
  latest.current = start;
  useEffect(() => {
    function onKey(event: KeyboardEvent) {
      if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
      if (document.querySelector('dialog[open]')) return;
      event.preventDefault();
      event.stopPropagation();
      latest.current();
    }
    // Before the editor, which would begin a new line.
    window.addEventListener('keydown', onKey, { capture: true });
    return () => window.removeEventListener('keydown', onKey, { capture: true });
  }, []);
}
