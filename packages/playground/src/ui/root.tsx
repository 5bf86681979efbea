/** The page with the key that it sends, where the server wants one. It is kept for as long as the tab is open, and sent nowhere else. */
import { useMemo, useState } from 'preact/hooks';
import { createApi } from '../api.js';
import type { First } from '../first-program.js';
import { App } from './app.js';

const KEY = 'runlane.key';

export function Root({ first }: { readonly first: First }) {
  const [key, setKey] = useState(() => sessionStorage.getItem(KEY) ?? undefined);
  const api = useMemo(() => createApi(location.origin, key), [key]);
  function use(next: string): void {
    sessionStorage.setItem(KEY, next);
    setKey(next);
  }
  return <App api={api} first={first} onKey={use} />;
}
