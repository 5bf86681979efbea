/** A job over REST, to its result; alone, or followed by server-sent events. Runs in k6. */
import http from 'k6/http';
import { accepted, doubled, failed, judgeEnd, judgeEvents, refused } from './judge.js';
import { API_KEY, isSentTwice, newJob, PATIENCE_MS, URL } from './settings.js';

const AUTHORIZATION = API_KEY ? { Authorization: `Bearer ${API_KEY}` } : {};

export function restJob() {
  const job = submit(newJob());
  if (job) judgeEnd(job, ask, ending);
}

/** k6 reads the stream to its end, which is the result. */
export function restStream() {
  const job = submit(newJob({ slowly: true }));
  if (!job) return;
  const response = http.get(`${URL}/v1/jobs/${job.id}/events`, {
    headers: { ...AUTHORIZATION, Accept: 'text/event-stream' },
    tags: { name: 'events' },
    timeout: PATIENCE_MS,
  });
  // A stream may break off; the result is asked for all the same.
  if (isGood(response, 'events')) judgeEvents(job, eventsOf(response.body));
  judgeEnd(job, ask, ending);
}

function submit(job) {
  const send = () =>
    http.post(`${URL}/v1/jobs`, JSON.stringify(job.program), {
      headers: { ...AUTHORIZATION, 'Content-Type': 'application/json', 'Idempotency-Key': job.token },
      tags: { name: 'submit' },
    });
  const atMs = Date.now();
  const response = send();
  if (!isGood(response, 'submit')) return undefined;
  const made = { ...job, id: response.json('id'), atMs };
  accepted({ id: made.id, token: job.token, expected: job.expected });
  if (isSentTwice()) {
    const again = send();
    if (isGood(again, 'submit') && again.json('id') !== made.id) doubled(made, `its key also made ${again.json('id')}`);
  }
  return made;
}

function ask({ id }) {
  const response = http.get(`${URL}/v1/jobs/${id}`, { headers: AUTHORIZATION, tags: { name: 'get' } });
  return isGood(response, 'get') ? response.json() : undefined;
}

/** All that must never change once a job has ended. */
const ending = ({ status, attempt, finishedAt, result }) => ({
  status,
  stdout: result.stdout,
  digest: JSON.stringify([status, attempt, finishedAt, result.exitCode, result.stdout, result.wallTimeMs]),
});

function isGood({ status, error }, what) {
  if (status === 0) failed(`${what}: no answer (${error})`);
  else if (status >= 500 && status !== 503) failed(`${what}: ${status}`);
  else if (status >= 400) refused(`${what}: ${status}`);
  return status >= 200 && status < 300;
}

function eventsOf(body) {
  const blocks = String(body)
    .split('\n\n')
    .filter((block) => block.includes('event:'));
  return blocks.map((block) => {
    const field = (name) => (new RegExp(`^${name}: ?(.*)$`, 'm').exec(block) || [])[1];
    const data = JSON.parse(field('data') || '{}');
    return { kind: field('event'), text: data.text ?? data.status };
  });
}
