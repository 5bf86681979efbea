/** Asks for an API key, where the server wants one. */
import type { RunlaneError } from '@runlane/client';
import { useState } from 'preact/hooks';
import { Notice } from './notice.js';

export interface KeyNoticeProps {
  readonly refusal: RunlaneError;
  /** Whether it was a key that was refused. */
  readonly keyed: boolean;
  onKey(key: string): void;
}

/** Whether another key would help. */
export function isAboutKey(refusal: RunlaneError | undefined): refusal is RunlaneError {
  return refusal?.code === 'UNAUTHENTICATED' || refusal?.code === 'FORBIDDEN';
}

export function KeyNotice({ refusal, keyed, onKey }: KeyNoticeProps) {
  const [key, setKey] = useState('');
  return (
    <Notice kind="key">
      <form
        class="key-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (key.trim()) onKey(key.trim());
        }}
      >
        <span>
          {keyed ? `The server refuses this API key: ${refusal.message}.` : 'This server wants an API key.'} It is kept
          for as long as this tab is open.
        </span>
        <label>
          <span class="visually-hidden">API key</span>
          <input
            type="password"
            autocomplete="off"
            placeholder="API key"
            value={key}
            onInput={(event) => setKey(event.currentTarget.value)}
          />
        </label>
        <button type="submit" class="button">
          Use it
        </button>
      </form>
    </Notice>
  );
}
