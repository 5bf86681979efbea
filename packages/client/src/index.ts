/** Runlane from TypeScript, in Node and in browsers: submit, watch, run, cancel. */
export type { Attachment, AttachOptions } from './attach.js';
export { type CallOptions, type Client, createClient, type RunOptions, type SubmitOptions } from './client.js';
export { RunlaneError } from './error.js';
export type { BatchEvent, JobEvent } from './events.js';
export type { ClientOptions, Retry } from './http.js';
export type * from './json.js';
