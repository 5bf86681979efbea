/** The languages of the server: asked again until it answers, and while one of them is still being made ready. */
import { useCallback, useEffect, useState } from 'preact/hooks';
import type { Client } from '../api.js';
import { type Choice, toChoices } from '../program/languages.js';

export interface Languages {
  /** Undefined until the server has answered. */
  readonly choices: readonly Choice[] | undefined;
  readonly away: boolean;
  refresh(): void;
}

const AGAIN_MS = 2_000;

export function useLanguages(client: Client): Languages {
  const [choices, setChoices] = useState<readonly Choice[]>();
  const [away, setAway] = useState(false);
  const [asked, setAsked] = useState(0);

  useEffect(() => {
    const leaving = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    async function ask() {
      try {
        const found = toChoices(await client.languages(leaving.signal));
        setChoices(found);
        setAway(false);
      } catch {
        if (leaving.signal.aborted) return;
        setAway(true);
        timer = setTimeout(ask, AGAIN_MS);
      }
    }
    void ask();
    return () => {
      leaving.abort();
      clearTimeout(timer);
    };
  }, [client, asked]);

  return { choices, away, refresh: useCallback(() => setAsked((count) => count + 1), []) };
}
