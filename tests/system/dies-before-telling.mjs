/**
 * A worker for the system tests: it is killed between storing the result of a job whose callback ends in "/dies" and having it
 * delivered. `node --import …/dies-before-telling.mjs`.
 */
import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';

const TELL = 'tellCallback(context, job);';
const DIE = `if (job.callbackUrl?.endsWith('/dies')) process.kill(process.pid, 'SIGKILL');`;

export async function load(url, context, nextLoad) {
  const loaded = await nextLoad(url, context);
  if (!url.endsWith('/services/worker/dist/claimed.js')) return loaded;
  const source = String(loaded.source);
  if (!source.includes(TELL)) throw new Error('the step that is to be cut is not found: mend dies-before-telling.mjs');
  return { ...loaded, source: source.replace(TELL, `${DIE} ${TELL}`) };
}

// Loaded twice: by --import, to register itself, and as the hooks, in a thread of their own.
if (isMainThread) register(import.meta.url);
