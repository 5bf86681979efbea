/** TLS: certificates from files, checked, and taken anew when the files change. */
export * from './certificates.js';
export * from './files.js';
export * from './grpc-credentials.js';
export * from './open.js';
export type { WatchedCertificates } from './watch.js';
