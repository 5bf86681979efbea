/** What tests of every package share. Not for production code. */
export { createMongoFactStore } from '../adapters/mongo/facts.js';
export { makeAuthority, type TestAuthority, type TestCertificate } from './certificates.js';
export { type CollectedSpan, type Collector, faultsOfTrace, startCollector } from './collector.js';
export { dockerEnv, startComposeEngine } from './compose.js';
export { findDocker, startDocker, TEST_IMAGE, type TestEngine, TOOLS_IMAGE } from './docker.js';
export { prepareFaketime } from './faketime.js';
export { findGoTool, type GoTool, prepareGoTool } from './go-tools.js';
export * from './jobs.js';
export { ARCHITECTURES, type Architecture, bootMachine } from './machines.js';
export { type NameServer, startNameServer } from './name-server.js';
export * from './servers.js';
