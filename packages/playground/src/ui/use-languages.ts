/** The languages of the server. It is asked until it answers. */
import { useCallback, useEffect, useState } from 'preact/hooks';
import type { Api } from '../api.js';
import { type Choice, toChoices } from '../program/languages.js';

export interface Languages {
  /** Undefined until the server has answered. */
  readonly choices: readonly Choice[] | undefined;
  refresh(): void;
}

export function useLanguages({ client, reached }: Api): Languages {
  const [choices, setChoices] = useState<readonly Choice[]>();
  const [asked, setAsked] = useState(0);

  useEffect(() => {
    const leaving = new AbortController();
    client.languages({ signal: leaving.signal }).then(
      (found) => {
        reached();
        setChoices(toChoices(found));
      },
      // Refused, which the next run will tell the reason of; or not wanted any more.
      () => undefined,
    );
    return () => leaving.abort();
  }, [client, reached, asked]);

  return { choices, refresh: useCallback(() => setAsked((count) => count + 1), []) };
}
