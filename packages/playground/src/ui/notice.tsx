import type { ComponentChildren } from 'preact';
import { CloseIcon } from './icons.js';

export interface NoticeProps {
  readonly kind: 'away' | 'key' | 'link' | 'bad-link' | 'aside' | 'unavailable';
  readonly children: ComponentChildren;
  onClose?: () => void;
}

const ALERTS: readonly NoticeProps['kind'][] = ['away', 'key', 'bad-link', 'unavailable'];

/** Something to know before one goes on. It is read out when it appears. */
export function Notice({ kind, children, onClose }: NoticeProps) {
  return (
    <div class={`notice ${kind}`} role={ALERTS.includes(kind) ? 'alert' : 'status'}>
      <div class="notice-text">{children}</div>
      {onClose && (
        <button type="button" class="icon-button" aria-label="Dismiss" onClick={onClose}>
          <CloseIcon />
        </button>
      )}
    </div>
  );
}
