/** The contract: what travels between clients, services and runners, and how it may fail. */
export * from './count-fields.js';
export * from './descriptors.js';
export * from './errors.js';
export * as errorDetails from './gen/google/rpc/error_details.js';
export * as rpcStatus from './gen/google/rpc/status.js';
export * as execution from './gen/runlane/v1/execution.js';
export * as runner from './gen/runlane/v1/runner.js';
export * as types from './gen/runlane/v1/types.js';
export * from './rest/callback-url.js';
export * from './rest/delivery.js';
export * from './rest/judging.js';
export * from './rest/keys.js';
export * from './rest/openapi.js';
export * from './rest/program-fields.js';
export * from './rest/requests.js';
export * from './rest/responses.js';
export { pathProblem } from './rest/source-path.js';
export * from './rest/status.js';
export * from './rest/verdict.js';
export * from './version-range.js';

import './rest/wording.js';
