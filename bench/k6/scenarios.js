/** The load itself, for k6: `npm run load` starts it and says how much. */
import { THRESHOLDS } from './judge.js';
import { GRPC, PATIENCE_MS } from './settings.js';

export { grpcJob, grpcStream } from './grpc.js';
export { restJob, restStream } from './rest.js';

const SECONDS = Number(__ENV.LOAD_SECONDS);
const RATE = Number(__ENV.LOAD_RATE);
/** Most that wait for a job at once. */
const USERS = 1_000;
const SPIKE_TIMES = 5;

const part = (of) => `${Math.max(1, Math.round(SECONDS * of))}s`;
const common = { preAllocatedVUs: 10, maxVUs: USERS, timeUnit: '1s' };
/** Jobs that arrive, whether those before have ended or not. */
const steady = { ...common, executor: 'constant-arrival-rate', rate: RATE, duration: `${SECONDS}s` };
const spike = {
  ...common,
  executor: 'ramping-arrival-rate',
  startRate: RATE,
  stages: [
    { target: RATE, duration: part(0.3) },
    { target: RATE * SPIKE_TIMES, duration: part(0.05) },
    { target: RATE * SPIKE_TIMES, duration: part(0.2) },
    { target: RATE, duration: part(0.05) },
    { target: RATE, duration: part(0.4) },
  ],
};
/** So many who each follow one job after the other. */
const streaming = { executor: 'constant-vus', vus: RATE, duration: `${SECONDS}s` };

const SCENARIOS = {
  steady: { load: steady, rest: 'restJob', grpc: 'grpcJob' },
  spike: { load: spike, rest: 'restJob', grpc: 'grpcJob' },
  soak: { load: steady, rest: 'restJob', grpc: 'grpcJob' },
  streaming: { load: streaming, rest: 'restStream', grpc: 'grpcStream' },
};
const { load, rest, grpc } = SCENARIOS[__ENV.LOAD_SCENARIO];
// Whoever waits for a job when the time is over waits to its end.
const through = (exec) => ({ ...load, exec, gracefulStop: `${PATIENCE_MS}ms` });

export const options = {
  scenarios: { rest: through(rest), ...(GRPC && { grpc: through(grpc) }) },
  thresholds: THRESHOLDS,
  summaryTrendStats: ['med', 'p(95)', 'p(99)', 'max'],
  insecureSkipTLSVerify: false,
};

export function handleSummary({ metrics }) {
  return { [__ENV.LOAD_SUMMARY]: JSON.stringify(metrics) };
}
