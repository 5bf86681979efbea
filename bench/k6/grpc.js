/** A job over gRPC, to its result; alone, or followed by Watch. Runs in k6. */
import encoding from 'k6/encoding';
import { Client, StatusOK, Stream } from 'k6/net/grpc';
import { accepted, doubled, failed, judgeEnd, judgeEvents, refused } from './judge.js';
import { API_KEY, GRPC, isSentTwice, newJob } from './settings.js';

const SERVICE = 'runlane.v1.ExecutionService';
/** What REST says with 500; or, DeadlineExceeded, no answer. By name: k6's codes are no numbers to JavaScript, but texts give either. */
const FAILURES = { Unknown: 2, DeadlineExceeded: 4, Unimplemented: 12, Internal: 13, DataLoss: 15 };
const isFailure = (code) => Object.entries(FAILURES).flat().map(String).includes(String(code));
const metadata = API_KEY ? { authorization: `Bearer ${API_KEY}` } : {};

const client = new Client();
client.load([import.meta.resolve('../../proto')], 'runlane/v1/execution.proto');
let connected = false;

/** One connection for each user, kept. */
function connect() {
  if (!connected) client.connect(GRPC, { plaintext: __ENV.LOAD_GRPC_TLS !== '1', timeout: '20s' });
  connected = true;
}

export function grpcJob() {
  connect();
  const job = submit(newJob());
  if (job) judgeEnd(job, ask, ending);
}

export async function grpcStream() {
  connect();
  const job = submit(newJob({ slowly: true }));
  if (!job) return;
  judgeEvents(job, await watch(job));
  judgeEnd(job, ask, ending);
}

function submit(job) {
  const send = () => call('Submit', { program: job.program, idempotencyKey: job.token });
  const atMs = Date.now();
  const answer = send();
  if (!answer) return undefined;
  const made = { ...job, id: answer.job.id, atMs };
  accepted({ id: made.id, token: job.token, expected: job.expected });
  if (isSentTwice()) {
    const again = send();
    if (again && again.job.id !== made.id) doubled(made, `its key also made ${again.job.id}`);
  }
  return made;
}

function watch({ id }) {
  return new Promise((resolve) => {
    const events = [];
    const stream = new Stream(client, `${SERVICE}/Watch`, { metadata });
    stream.on('data', ({ event }) => events.push(eventOf(event)));
    stream.on('error', ({ code, message }) => note('Watch', code, message));
    stream.on('end', () => resolve(events));
    stream.write({ jobId: id });
    stream.end();
  });
}

function eventOf(event) {
  if (event.result) return { kind: 'result', text: statusOf(event.result) };
  if (event.status) return { kind: 'status', text: statusOf(event) };
  if (event.stdout !== undefined) return { kind: 'stdout', text: textOf(event.stdout) };
  return { kind: event.gap ? 'gap' : 'other' };
}

function ask({ id }) {
  const answer = call('Get', { jobId: id });
  return answer?.job;
}

function call(method, request) {
  const { status, message, error } = client.invoke(`${SERVICE}/${method}`, request, { metadata, timeout: '30s' });
  if (status === StatusOK) return message;
  note(method, status, error?.message);
  return undefined;
}

function note(method, code, message) {
  (isFailure(code) ? failed : refused)(`${method}: gRPC status ${code} (${message})`);
}

/** As in rest.js, and what REST says of it. */
function ending({ status, attempt, finishedAtMs, result }) {
  const [name, stdout] = [statusOf({ status }), textOf(result.stdout)];
  const finishedAt = new Date(Number(finishedAtMs)).toISOString();
  const fixed = [name, attempt, finishedAt, result.exitCode ?? null, stdout, result.wallTimeMs];
  return { status: name, stdout, digest: JSON.stringify(fixed) };
}

const statusOf = ({ status }) => String(status).replace('JOB_STATUS_', '').toLowerCase();
const textOf = (base64) => encoding.b64decode(base64 || '', 'std', 's');
