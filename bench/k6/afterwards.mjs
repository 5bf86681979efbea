/**
 * After the load, apart from k6: every accepted job has exactly one result, its own, the same that k6 saw and the same when it is
 * asked for twice; and no job was made beside it.
 */
import { setTimeout as sleep } from 'node:timers/promises';

const AT_ONCE = 8;
const PAGE = 100;
const TRIES = 5;

/** @param jobs by id, what k6 told of each acceptance of it */
export async function checkAfterwards({ target, jobs, run, startedAtMs, patienceSeconds }) {
  const lost = [];
  const doubled = [];
  const statuses = {};
  const untilMs = Date.now() + patienceSeconds * 1_000;
  const left = [...jobs];
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  await checkNoneBeside();
  return { checked: jobs.size, statuses, lost, doubled };

  async function worker() {
    for (let next = left.pop(); next; next = left.pop()) await check(...next);
  }

  async function check(id, acceptances) {
    const [job] = acceptances;
    if (new Set(acceptances.map(({ token }) => token)).size > 1) doubled.push(`${id}: two programs have its id`);
    const view = await result(id);
    if (!view?.result) return void lost.push(`${id}: ${view?.status ?? 'unknown now'}`);
    statuses[view.status] = (statuses[view.status] ?? 0) + 1;
    if (view.status === 'succeeded' && view.result.stdout !== job.expected)
      lost.push(`${id}: its result is that of another program`);
    const again = await result(id);
    if (digestOf(again) !== digestOf(view) || (job.digest && job.digest !== digestOf(view)))
      doubled.push(`${id}: it has another result now`);
  }

  /** One that k6 broke off waiting for may end still. */
  async function result(id) {
    for (;;) {
      const view = await ask(`/v1/jobs/${id}`);
      if (view?.result || !view || Date.now() > untilMs) return view;
      await sleep(100);
    }
  }

  /** Two jobs for one request, of which the client was told one. */
  async function checkNoneBeside() {
    const idOf = new Map([...jobs].map(([id, [{ token }]]) => [token, id]));
    let cursor = '';
    do {
      const page = await ask(`/v1/jobs?limit=${PAGE}${cursor && `&cursor=${cursor}`}`);
      for (const { id, metadata } of page?.jobs ?? []) {
        const known = metadata?.load === run && idOf.get(metadata.token);
        if (known && known !== id) doubled.push(`${known}: there is ${id} beside it`);
      }
      const isOlder = page?.jobs.some(({ createdAt }) => Date.parse(createdAt) < startedAtMs - 60_000);
      cursor = isOlder ? undefined : page?.nextCursor;
    } while (cursor);
  }

  /** Undefined: there is nothing. @throws Error when the platform does not answer: nothing is known then. */
  async function ask(path) {
    for (let tried = 1; ; tried += 1) {
      const response = await fetch(`${target.url}${path}`, {
        headers: target.apiKey ? { Authorization: `Bearer ${target.apiKey}` } : {},
      }).catch((error) => ({ status: 0, ok: false, error }));
      if (response.ok) return response.json();
      if (response.status === 404) return undefined;
      if (tried === TRIES) throw new Error(`${path} answers ${response.status || response.error.message}`);
      await sleep(1_000);
    }
  }
}

/** As in rest.js: all that must never change once a job has ended. */
function digestOf(view) {
  if (!view?.result) return '';
  const { status, attempt, finishedAt, result } = view;
  return JSON.stringify([status, attempt, finishedAt, result.exitCode, result.stdout, result.wallTimeMs]);
}
