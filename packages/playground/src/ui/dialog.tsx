/** A dialog over the page: the browser's own, which keeps the keyboard in it and closes with Escape. */
import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';
import { CloseIcon } from './icons.js';

export interface DialogProps {
  readonly title: string;
  readonly children: ComponentChildren;
  readonly class?: string;
  onClose(): void;
}

export function Dialog({ title, children, class: name = '', onClose }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  // At once: an Escape that comes between its being there and its being open would be lost.
  useLayoutEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    // Preact takes the element away while it is open: the browser would leave the keyboard nowhere.
    return () => before instanceof HTMLElement && before.focus();
  }, []);
  const closeOutside = (event: MouseEvent) => event.target === dialog.current && onClose();
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: by keyboard it is closed with Escape, by the browser itself
    <dialog ref={dialog} class={`dialog ${name}`} aria-labelledby={titleId} onClose={onClose} onClick={closeOutside}>
      <div class="dialog-body">
        <header class="dialog-head">
          <h2 id={titleId}>{title}</h2>
          <button type="button" class="icon-button" aria-label="Close" onClick={onClose}>
            <CloseIcon />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
