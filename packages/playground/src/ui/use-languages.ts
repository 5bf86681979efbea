/** The languages of the server. It is asked until it answers. */
import { RunlaneError } from '@runlane/client';
import { useCallback, useEffect, useState } from 'preact/hooks';
import type { Api } from '../api.js';
import { type Choice, toChoices } from '../program/languages.js';

export interface Languages {
  /** Undefined until the server has answered. */
  readonly choices: readonly Choice[] | undefined;
  /** Why the server does not tell them. */
  readonly refusal: RunlaneError | undefined;
  refresh(): void;
}

export function useLanguages({ client, reached }: Api): Languages {
  const [choices, setChoices] = useState<readonly Choice[]>();
  const [refusal, setRefusal] = useState<RunlaneError>();
  const [asked, setAsked] = useState(0);

  useEffect(() => {
    const leaving = new AbortController();
    client.languages({ signal: leaving.signal }).then(
      (found) => {
        reached();
        setRefusal(undefined);
        setChoices(toChoices(found));
      },
      (error: unknown) => error instanceof RunlaneError && setRefusal(error),
    );
    return () => leaving.abort();
  }, [client, reached, asked]);

  return { choices, refusal, refresh: useCallback(() => setAsked((count) => count + 1), []) };
}
