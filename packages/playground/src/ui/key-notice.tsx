/** Asks for an API key, where the server wants one. */
import type { RunlaneError } from '@runlane/client';
import { useState } from 'preact/hooks';
import { Notice } from './notice.js';

export interface KeyNoticeProps {
  readonly refusal: RunlaneError;
  onKey(key: string): void;
}

/** Whether another key would help. */
export function isAboutKey(refusal: RunlaneError | undefined): refusal is RunlaneError {
  return refusal?.code === 'UNAUTHENTICATED' || refusal?.code === 'FORBIDDEN';
}

export function KeyNotice({ refusal, onKey }: KeyNoticeProps) {
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
        <span>This server wants an API key: {refusal.message}.</span>
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
