/**
 * Behaves like Runlane's REST door to whoever loads it, runs nothing, and has one fault when it is told to: what the checker of
 * the load must find.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { startGrpcStandIn } from './grpc-stand-in.mjs';

/** The job that meets the fault: not the first, as that may be a special one. */
const VICTIM = 7;
const RUN_MS = 50;

/**
 * One job each: without a result; with one that is gone in the end; with a result that changes; with another job beside it; one
 * whose key, sent again, makes another; a 500 instead of an acceptance.
 */
export const FAULTS = ['never-ends', 'gone-later', 'two-results', 'one-beside', 'key-twice', 'answers-500'];

export async function startStandIn(fault, grpcFault) {
  const jobs = new Map();
  const byKey = new Map();
  let met = false;

  function accept({ code, metadata }, key) {
    const known = jobs.get(byKey.get(key));
    if (known && !(fault === 'key-twice' && !met)) return known;
    if (known) met = true;
    const job = {
      id: randomUUID(),
      number: jobs.size + 1,
      createdAt: new Date().toISOString(),
      readyAtMs: Date.now() + RUN_MS,
      metadata,
      stdout: outputOf(code),
      read: 0,
    };
    jobs.set(job.id, job);
    byKey.set(key, job.id);
    if (fault === 'one-beside' && job.number === VICTIM) jobs.set('beside', { ...job, id: 'beside', number: 0 });
    return job;
  }

  /** The job as JSON has it; undefined where there is none. */
  function view(job) {
    if (!job) return undefined;
    const { id, createdAt, metadata, readyAtMs, number, stdout } = job;
    const isVictim = number === VICTIM;
    const common = { id, createdAt, metadata, attempt: 1 };
    const hasEnded = Date.now() > readyAtMs && !(fault === 'never-ends' && isVictim);
    if (!hasEnded) return { ...common, status: 'running' };
    job.read += 1;
    // k6 reads a result twice; what comes then is the check after the run.
    if (fault === 'gone-later' && isVictim && job.read > 2) return undefined;
    const wallTimeMs = fault === 'two-results' && isVictim ? job.read : 1;
    const finishedAt = new Date(readyAtMs).toISOString();
    return { ...common, status: 'succeeded', finishedAt, result: { exitCode: 0, stdout, wallTimeMs } };
  }

  const server = createServer(async (request, response) => {
    const answer = (status, body) => response.writeHead(status, { 'Content-Type': 'application/json' }).end(body);
    const { pathname } = new URL(request.url, 'http://stand-in');
    if (request.method === 'POST') {
      const chunks = await request.toArray();
      if (fault === 'answers-500' && jobs.size === VICTIM && !met) {
        met = true;
        return answer(500, '{}');
      }
      const program = JSON.parse(Buffer.concat(chunks).toString());
      return answer(202, JSON.stringify({ id: accept(program, request.headers['idempotency-key']).id }));
    }
    if (pathname === '/v1/jobs')
      return answer(200, JSON.stringify({ jobs: [...jobs.values()].toReversed().map(listed) }));
    const found = view(jobs.get(pathname.split('/').at(-1)));
    return found ? answer(200, JSON.stringify(found)) : answer(404, '{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const find = (id) => view(jobs.get(id));
  const accepted = (program, key) => view(accept(program, key));
  const grpc = await startGrpcStandIn({ accept: accepted, find }, grpcFault);
  return {
    grpc: grpc.address,
    url: `http://127.0.0.1:${server.address().port}`,
    async stop() {
      grpc.stop();
      server.close();
      server.closeAllConnections();
    },
  };
}

/** What the programs of the load would print. */
function outputOf(code) {
  const [, token] = /print\("([^"]*)"/.exec(code);
  const [, lines] = /range\((\d+)\)/.exec(code) ?? [];
  return lines ? Array.from({ length: Number(lines) }, (_, n) => `${token} ${n}\n`).join('') : `${token}\n`;
}

const listed = ({ id, createdAt, metadata }) => ({ id, createdAt, metadata });
