/** The status, asked for again and again; and the rates of the last minutes. */
import { useEffect, useState } from 'preact/hooks';
import { type PlatformStatus, type Rate, rateBetween } from './status.js';

const EVERY_MS = 2_000;
/** Workers tell of themselves every five seconds: between closer looks nothing would seem to happen. */
const RATE_OVER_MS = 6_000;
const RATES_KEPT = 60;

export interface Seen {
  readonly status?: PlatformStatus;
  readonly rates: readonly Rate[];
  /** Why the last look failed. */
  readonly problem?: string;
}

export function useStatus(): Seen {
  const [seen, setSeen] = useState<Seen>({ rates: [] });
  useEffect(() => {
    const leaving = new AbortController();
    void watch(setSeen, leaving.signal);
    return () => leaving.abort();
  }, []);
  return seen;
}

async function watch(tell: (seen: Seen) => void, signal: AbortSignal): Promise<void> {
  let before: PlatformStatus | undefined;
  let rates: readonly Rate[] = [];
  let status: PlatformStatus | undefined;
  while (!signal.aborted) {
    try {
      status = await look(signal);
      before ??= status;
      if (Date.parse(status.now) - Date.parse(before.now) >= RATE_OVER_MS) {
        const rate = rateBetween(before, status);
        rates = [...rates, ...(rate ? [rate] : [])].slice(-RATES_KEPT);
        before = status;
      }
      tell({ status, rates });
    } catch (error) {
      if (!signal.aborted) tell({ ...(status && { status }), rates, problem: (error as Error).message });
    }
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

async function look(signal: AbortSignal): Promise<PlatformStatus> {
  // Same origin: the browser sends the password that it was asked for when the page was opened.
  const response = await fetch('/admin/status', { signal }).catch(() => {
    throw new Error('the server does not answer; this page goes on asking');
  });
  if (!response.ok) throw new Error(`the server answered HTTP ${response.status}`);
  return response.json();
}
