/** What tests of other packages need to open a sandbox and run programs in it. Not for the platform itself. */

export { DEFAULT_LIMITS } from './limits.js';
export { createDocker } from './sandbox/docker/driver.js';
export { openContainerJail } from './sandbox/jail/container.fixture.js';
export { createJail } from './sandbox/jail/driver.js';
export { type Launched, launchJail } from './sandbox/jail/launch.js';
export { collect, type Given, type Outcome, open, pythonOf, runPython } from './sandbox/sandbox.fixture.js';
export type { Run, RunEnd, RunEvent, RunLimits, Sandbox, SandboxDescription } from './sandbox/sandbox.js';
