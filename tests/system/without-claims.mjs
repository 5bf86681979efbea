/**
 * A worker for the control of the system tests: it takes every delivery without asking whether somebody else has the job.
 * `node --import …/without-claims.mjs services/worker/dist/main.js`. The tests must notice.
 */
import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';

const CLAIM = 'await context.store.claim(id, stage, context.workerId, runsOnce, span.place)';
const NO_CLAIM = `{ outcome: 'claimed', claim: { id, stage, attempt: 1 + Math.floor(Math.random() * 1e6), startedAtMs: Date.now() } }`;

export async function load(url, context, nextLoad) {
  const loaded = await nextLoad(url, context);
  if (!url.endsWith('/services/worker/dist/claimed.js')) return loaded;
  const source = String(loaded.source);
  if (!source.includes(CLAIM)) throw new Error('the control does not find the claim step: mend without-claims.mjs');
  return { ...loaded, source: source.replace(CLAIM, NO_CLAIM) };
}

// Loaded twice: by --import, to register itself, and as the hooks, in a thread of their own.
if (isMainThread) register(import.meta.url);
