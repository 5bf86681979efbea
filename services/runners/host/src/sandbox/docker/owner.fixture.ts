/** A process with a pool and a run, for tests that kill it: `owner.fixture.js SOCKET IMAGE`. */
import { silentLog } from '@runlane/core/testing';
import { open } from '../sandbox.fixture.js';
import { createDocker } from './driver.js';

const [socketPath = '', image = ''] = process.argv.slice(2);
const sandbox = await createDocker({
  socketPath,
  runtime: undefined,
  languages: [{ name: 'python', image, tools: { python: ['/usr/bin/python3'] }, needsSetup: false }],
  poolSize: 2,
  withoutImage: [],
  toolchainsDir: undefined,
  allowWeak: false,
  log: silentLog,
});
const run = await open(sandbox, 'import os, time\nprint("up")\nos.fork()\ntime.sleep(60)');
run.go();
for await (const { kind } of run.events()) if (kind === 'stdout') process.send?.('up');
