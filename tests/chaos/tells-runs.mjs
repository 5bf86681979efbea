/**
 * A worker that leaves a trace of every run that it starts: a line in the file that `CHAOS_RUNS_FILE` names, written before the
 * program begins, so that no kill can hide it. `node --import …/tells-runs.mjs services/worker/dist/main.js`.
 * Stored attempts tell who was allowed to run; this tells who did.
 */
import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';

const BEGIN = 'begun = true;';
// The monotonic clock is the machine's, the same in every process, and no fault here changes it.
const TELL = `appendRun(process.env.CHAOS_RUNS_FILE, JSON.stringify({
  jobId: id,
  attempt: claim.attempt,
  workerId: context.workerId,
  atMs: Number(process.hrtime.bigint() / 1_000_000n),
}) + '\\n');`;

export async function load(url, context, nextLoad) {
  const loaded = await nextLoad(url, context);
  if (!url.endsWith('/services/worker/dist/attempt.js')) return loaded;
  const source = String(loaded.source);
  if (!source.includes(BEGIN)) throw new Error('where a run begins is not found: mend tells-runs.mjs');
  const told = source.replace(BEGIN, `${BEGIN} ${TELL}`);
  return { ...loaded, source: `import { appendFileSync as appendRun } from 'node:fs';\n${told}` };
}

// Loaded twice: by --import, to register itself, and as the hooks, in a thread of their own.
if (isMainThread) register(import.meta.url);
