/** The server, as the page and `<run-code>` talk to it: the client of everybody, which here never gives up, and says that it is trying. */
import { type Client, createClient, type RunlaneError } from '@runlane/client';

export interface Api {
  readonly client: Client;
  /** Whether a key is sent. */
  readonly keyed: boolean;
  /** Told why the server is tried again, and undefined when it is there again. */
  onTrouble(listener: (trouble: RunlaneError | undefined) => void): void;
  /** To be called when the server was heard of. */
  reached(): void;
  /** Where a file is that a program left; undefined where it takes the key to read it. */
  fileUrl(id: string, path: string): string | undefined;
}

export function createApi(server: string, apiKey?: string): Api {
  let listener: (trouble: RunlaneError | undefined) => void = () => undefined;
  let troubled = false;
  const tell = (trouble: RunlaneError | undefined) => {
    if (!trouble && !troubled) return;
    troubled = trouble !== undefined;
    listener(trouble);
  };
  const client = createClient({
    server,
    retryForMs: Number.POSITIVE_INFINITY,
    onRetry: ({ error }) => tell(error),
    ...(apiKey !== undefined && { apiKey }),
  });
  return {
    keyed: apiKey !== undefined,
    client,
    onTrouble(next) {
      listener = next;
    },
    reached: () => tell(undefined),
    fileUrl: (id, path) => (apiKey === undefined ? client.fileUrl(id, path) : undefined),
  };
}
