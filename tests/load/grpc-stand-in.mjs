/** The gRPC door of the stand-in, over the same jobs: whole, or with one call that ends with a status it must not have. */
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import { execution, types } from '@runlane/contract';

const { SUCCEEDED, RUNNING } = types.JobStatus;
const LOOK_EVERY_MS = 20;

/** The call that fails, and how. */
const GRPC_FAULTS = {
  'submit-internal': ['submit', status.INTERNAL],
  'watch-internal': ['watch', status.INTERNAL],
  'get-unknown': ['get', status.UNKNOWN],
  /** What REST says with 503: no fault. */
  'submit-unavailable': ['submit', status.UNAVAILABLE],
};

/** @param jobs `accept` and `find`, as the REST door has them */
export async function startGrpcStandIn({ accept, find }, fault) {
  let calls = 0;
  const [broken, code] = GRPC_FAULTS[fault] ?? [];
  /** Not the first call, and no other. */
  const fails = (name) => {
    if (name === broken) calls += 1;
    return name === broken && calls === 3;
  };
  const unary = (name, answer) => (call, done) => (fails(name) ? done({ code }) : done(null, answer(call.request)));

  const server = new Server();
  server.addService(execution.ExecutionServiceService, {
    submit: unary('submit', ({ program, idempotencyKey }) => ({ job: message(accept(program, idempotencyKey)) })),
    get: unary('get', ({ jobId }) => ({ job: message(find(jobId)) })),
    watch(call) {
      if (fails('watch')) return call.emit('error', { code });
      const timer = setInterval(() => {
        const job = find(call.request.jobId);
        if (!job.result) return;
        clearInterval(timer);
        call.write({ event: { id: '1-1', event: { $case: 'status', value: RUNNING } } });
        call.write({ event: { id: '1-2', event: { $case: 'stdout', value: Buffer.from(job.result.stdout) } } });
        call.write({ event: { id: '1-3', event: { $case: 'result', value: message(job) } } });
        call.end();
      }, LOOK_EVERY_MS);
    },
  });
  const port = await new Promise((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return { address: `127.0.0.1:${port}`, stop: () => server.forceShutdown() };
}

function message({ id, createdAt, finishedAt, result }) {
  return execution.Job.fromPartial({
    id,
    attempt: 1,
    status: result ? SUCCEEDED : RUNNING,
    createdAtMs: Date.parse(createdAt),
    ...(result && {
      finishedAtMs: Date.parse(finishedAt),
      result: { exitCode: 0, stdout: Buffer.from(result.stdout), wallTimeMs: result.wallTimeMs },
    }),
  });
}
