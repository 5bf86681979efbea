/** Loaded into the platform's process (`node --import`): keeps the moments of its jobs, and writes them down when it ends. */
import { subscribe } from 'node:diagnostics_channel';
import { writeFileSync } from 'node:fs';

const moments = [];
subscribe('runlane:moment', (message) => moments.push(message));
process.once('exit', () => {
  if (moments.length > 0) writeFileSync(`${process.env.DATA_DIR}/moments.json`, JSON.stringify(moments));
});
