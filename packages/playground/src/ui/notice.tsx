import type { ComponentChildren } from 'preact';
import { CloseIcon } from './icons.js';

export interface NoticeProps {
  readonly kind: 'away' | 'link' | 'bad-link' | 'aside' | 'unavailable';
  readonly children: ComponentChildren;
  onClose?: () => void;
}

/** Something to know before one goes on. It is read out when it appears. */
export function Notice({ kind, children, onClose }: NoticeProps) {
  return (
    <div class={`notice ${kind}`} role={kind === 'link' || kind === 'aside' ? 'status' : 'alert'}>
      <p>{children}</p>
      {onClose && (
        <button type="button" class="icon-button" aria-label="Dismiss" onClick={onClose}>
          <CloseIcon />
        </button>
      )}
    </div>
  );
}
