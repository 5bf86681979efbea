/**
 * Health check of a runner, from inside its container: exit code 0 when the standard health service answers SERVING. Where
 * the runner demands a certificate of whoever calls it, the runner's own is shown.
 */
import { readFileSync } from 'node:fs';
import { Client, credentials } from '@grpc/grpc-js';

const { RUNNER_TLS_CERT: cert, RUNNER_TLS_KEY: key, RUNNER_TLS_CA: ca } = process.env;
// Whether it lives is asked, not who it is: its certificate is for another name than this address.
const anyName = { checkServerIdentity: () => undefined };
const own = cert
  ? credentials.createSsl(readFileSync(ca), readFileSync(key), readFileSync(cert), anyName)
  : credentials.createInsecure();
const client = new Client(process.argv[2] ?? '127.0.0.1:50052', own);
const asIs = (bytes) => bytes;
/** HealthCheckResponse { status: SERVING }. */
const SERVING = Buffer.from([8, 1]);

// An empty HealthCheckRequest asks for the server as a whole.
client.makeUnaryRequest(
  '/grpc.health.v1.Health/Check',
  asIs,
  asIs,
  Buffer.alloc(0),
  { deadline: Date.now() + 8_000 },
  (error, answer) => process.exit(!error && SERVING.equals(answer) ? 0 : 1),
);
