/** What `npm start` says when everything serves: where things are, and what to try first. With `--json`, the facts alone. */

export interface BannerFacts {
  readonly host: string;
  /** Whether REST and gRPC are over TLS; the worker's metrics never are. */
  readonly tls: boolean;
  /** Whether whoever calls needs a key. */
  readonly needsKey: boolean;
  readonly httpPort?: unknown;
  readonly grpcPort?: unknown;
  readonly workerHttpPort?: unknown;
  readonly startupMs: number;
  /** Where jobs are kept. */
  readonly jobs: string;
  /** Where queues and feeds are. */
  readonly queues: string;
}

const TLS_NOTE = `
  If curl does not know the authority of the certificate, add --cacert and the PEM file of that authority; the host in the
  address must be a name of the certificate.`;

export function banner({
  host,
  tls,
  needsKey,
  httpPort,
  grpcPort,
  workerHttpPort,
  startupMs,
  jobs,
  queues,
}: BannerFacts): string {
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  const base = `${tls ? 'https' : 'http'}://${name}:${httpPort}`;
  const key = needsKey ? ' -H "Authorization: Bearer $ADMIN_KEY"' : '';
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
  curl -s '${base}/v1/jobs'${key} -H 'Content-Type: application/json' -H 'Prefer: wait=10' -d '{"code": "print(6 * 7)"}'${tls ? TLS_NOTE : ''}

  Ctrl-C stops it.
`;
}
