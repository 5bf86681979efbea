/** `runlane cancel`: end jobs, or whole batches. */
import { command, UsageError } from './command.js';
import { orBatch } from './job-or-batch.js';
import { clientFor, SERVER_HELP, SERVER_OPTIONS } from './server.js';

const help = `Usage: runlane cancel ID…

Ends jobs and batches. What has ended already stays as it is.

${SERVER_HELP}

Exit code: 0 when the wish is recorded, 125 when it is not, 2 when it was called wrongly.
`;

export const cancel = command({
  summary: 'end jobs and batches',
  help,
  options: SERVER_OPTIONS,
  async run({ values, words, rest }) {
    const ids = [...words, ...rest];
    if (ids.length === 0) throw new UsageError('cancel what? Give the id of a job or a batch');
    const client = clientFor(values);
    for (const id of ids) {
      await orBatch(
        () => client.cancel(id),
        () => client.cancelBatch(id),
      );
    }
    return 0;
  },
});
