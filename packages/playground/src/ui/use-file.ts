/** The address of a file that a program left. Where the server wants a key, which an address has not, it is fetched first. */
import { useEffect, useState } from 'preact/hooks';
import type { Api } from '../api.js';

export function useFile(api: Api, id: string, path: string): string | undefined {
  const direct = api.fileUrl(id, path);
  const [fetched, setFetched] = useState<string>();
  useEffect(() => {
    if (direct) return;
    const leaving = new AbortController();
    let url: string | undefined;
    api.client
      .file(id, path, { signal: leaving.signal })
      .then((response) => response.blob())
      .then((blob) => {
        url = URL.createObjectURL(blob);
        if (leaving.signal.aborted) URL.revokeObjectURL(url);
        else setFetched(url);
      })
      // It is gone, or nobody waits for it any more: there is nothing to show.
      .catch(() => undefined);
    return () => {
      leaving.abort();
      if (url) URL.revokeObjectURL(url);
    };
  }, [api, direct, id, path]);
  return direct ?? fetched;
}

/** Long enough for a browser to begin with a download, in milliseconds. */
const DOWNLOAD_BEGINS_MS = 60_000;

/** Fetch a file, and hand it to the browser as a download. */
export async function saveFile({ client }: Api, id: string, path: string, name: string): Promise<void> {
  const url = URL.createObjectURL(await (await client.file(id, path)).blob());
  Object.assign(document.createElement('a'), { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), DOWNLOAD_BEGINS_MS);
}
