/** The contract: what travels between clients, services and runners, and how it may fail. */
export * from './descriptors.js';
export * from './errors.js';
export * from './gen/runlane/v1/execution.js';
export * from './gen/runlane/v1/runner.js';
export * as proto from './gen/runlane/v1/types.js';
