/** What `npm start` says when everything serves: where things are, and what to try first. With `--json`, the facts alone. */

export interface BannerFacts {
  readonly host: string;
  /** Whether REST and gRPC are over TLS; the worker's metrics never are. */
  readonly tls: boolean;
  readonly httpPort?: unknown;
  readonly grpcPort?: unknown;
  readonly workerHttpPort?: unknown;
  readonly startupMs: number;
  /** Where jobs are kept. */
  readonly jobs: string;
  /** Where queues and feeds are. */
  readonly queues: string;
}

export function banner({
  host,
  tls,
  httpPort,
  grpcPort,
  workerHttpPort,
  startupMs,
  jobs,
  queues,
}: BannerFacts): string {
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  const base = `${tls ? 'https' : 'http'}://${name}:${httpPort}`;
  return `
  Runlane is ready (${(startupMs / 1_000).toFixed(1)} s)

  Playground  ${base}
  REST        ${base}
  Docs        ${base}/docs
  Status      ${base}/admin
  Board       ${base}/admin/queues
  gRPC        ${name}:${grpcPort}${tls ? ' (TLS)' : ''}
  Metrics     http://${name}:${workerHttpPort}/metrics
  Jobs in   ${jobs}; queues and feeds in ${queues}

  Try it:
  curl -s '${base}/v1/jobs' -H 'Content-Type: application/json' -H 'Prefer: wait=10' -d '{"code": "print(6 * 7)"}'

  Ctrl-C stops it.
`;
}
