/** The conformance kit: what a runner must do, tried over gRPC as a worker would. */
export { type ConformanceOptions, checkRunner } from './conformance.js';
export { createReport } from './report.js';
export { tlsCredentials } from './tls.js';
