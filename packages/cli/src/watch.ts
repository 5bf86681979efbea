/** `runlane watch`: follow a job, or a batch, that was submitted before. */
import { followBatch, tellBatch } from './batch.js';
import { command, UsageError } from './command.js';
import { follow } from './follow.js';
import { interruptible } from './interrupt.js';
import { orBatch } from './job-or-batch.js';
import { OUTCOME_HELP, tellOutcome } from './outcome.js';
import { clientFor, SERVER_HELP, SERVER_OPTIONS } from './server.js';

const help = `Usage: runlane watch ID

Writes what a job has written and writes, to its end; of a batch, how far it is. Leaving it (Ctrl-C) cancels nothing.

${SERVER_HELP}

${OUTCOME_HELP}`;

export const watch = command({
  summary: 'follow a job or a batch to its end',
  help,
  options: SERVER_OPTIONS,
  run({ values, words }) {
    const [id, ...others] = words;
    if (id === undefined || others.length > 0) throw new UsageError('watch what? Give the id of a job or a batch');
    const client = clientFor(values);
    return interruptible((signal) =>
      orBatch(
        async () => tellOutcome(await follow(client.watch(id, { signal }))),
        async () => tellBatch(await followBatch(client.watchBatch(id, { signal }))),
      ),
    );
  },
});
