/** The worker, for a process that holds more than it alone. */
export * from './run-worker.js';
