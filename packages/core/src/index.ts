/** The job and its ports. "What happens to a job": `job.ts`, `job-state.ts`, `job-store.ts`, in this order. */
export * from './artifact-pieces.js';
export * from './artifact-quota.js';
export * from './artifact-store.js';
export * from './batch.js';
export * from './closer.js';
export * from './config.js';
export * from './facts.js';
export * from './job.js';
export * from './job-feed.js';
export * from './job-queue.js';
export * from './job-state.js';
export * from './job-store.js';
export * from './judging.js';
export * from './log.js';
export * from './moments.js';
export * from './service.js';
