/** What tests of other packages need to have a runner that runs nothing. Not for the kit itself. */
export { startFakeRunner } from './fake-runner.js';
export { makePrograms, type ProgramsFolder } from './pretended-folder.js';
