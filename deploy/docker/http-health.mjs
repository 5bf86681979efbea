/** Health check of command or a worker, from inside its container: exit code 0 when it answers, over TLS where that is on. */
import { get } from 'node:http';
import { get as getSecurely } from 'node:https';

const { HTTP_PORT, TLS_CERT } = process.env;
const where = { host: '127.0.0.1', port: HTTP_PORT, path: '/healthz', timeout: 8_000 };
const answered = ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1);
// Whether it lives is asked, not who it is: its certificate is for another name than this address.
const request = TLS_CERT ? getSecurely({ ...where, rejectUnauthorized: false }, answered) : get(where, answered);
request.on('error', () => process.exit(1)).on('timeout', () => process.exit(1));
