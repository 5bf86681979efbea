/** The runner host as a library: for tests, and for a process that hosts a runner of its own. */
export { type Config, readRunnerConfig } from './config.js';
export { type RunnerHost, startRunnerHost } from './host.js';
export { readManifests, runnerSchema } from './manifest.js';
