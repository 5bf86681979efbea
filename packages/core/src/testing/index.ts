/** What tests of every package share. Not for production code. */
export * from './jobs.js';
export * from './servers.js';
