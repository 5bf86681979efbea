/** Health check of a gRPC service, for a container: exit code 0 when the standard health service answers SERVING. */
import { Client, credentials } from '@grpc/grpc-js';

const client = new Client(process.argv[2] ?? '127.0.0.1:50052', credentials.createInsecure());
const asIs = (bytes) => bytes;
/** HealthCheckResponse { status: SERVING }. */
const SERVING = Buffer.from([8, 1]);

// An empty HealthCheckRequest asks for the server as a whole.
client.makeUnaryRequest(
  '/grpc.health.v1.Health/Check',
  asIs,
  asIs,
  Buffer.alloc(0),
  { deadline: Date.now() + 3_000 },
  (error, answer) => process.exit(!error && SERVING.equals(answer) ? 0 : 1),
);
