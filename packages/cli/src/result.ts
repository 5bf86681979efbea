/** `runlane result`: what came of a job, or of a batch. */
import { tellBatch } from './batch.js';
import { command, UsageError } from './command.js';
import { bytesOf, writeTo } from './follow.js';
import { orBatch } from './job-or-batch.js';
import { OUTCOME_HELP, tellOutcome } from './outcome.js';
import { saveFiles } from './produced-files.js';
import { clientFor, SERVER_HELP, SERVER_OPTIONS } from './server.js';

const help = `Usage: runlane result ID [--wait]

Writes the output of a job that has ended; of a batch, how its jobs ended.

  --wait                wait until it has ended
  --out FOLDER          save the files that it left there
  --json                print the job or the batch as JSON, whether it has ended or not
${SERVER_HELP}

${OUTCOME_HELP}`;

const options = {
  ...SERVER_OPTIONS,
  wait: { type: 'boolean' },
  out: { type: 'string' },
  json: { type: 'boolean' },
} as const;

export const result = command({
  summary: 'tell what came of a job or a batch',
  help,
  options,
  run({ values, words }) {
    const [id, ...others] = words;
    if (id === undefined || others.length > 0) throw new UsageError('of what? Give the id of a job or a batch');
    const client = clientFor(values);
    return orBatch(ofJob, ofBatch);

    async function ofJob(): Promise<number> {
      const job = values.wait ? await client.wait(id as string) : await client.get(id as string);
      if (values.json) process.stdout.write(`${JSON.stringify(job, undefined, 2)}\n`);
      else for (const stream of ['stdout', 'stderr'] as const) await writeTo(process[stream], bytesOf(job, stream));
      if (!values.json || values.out !== undefined) await saveFiles(client, job, values.out);
      return tellOutcome(job);
    }

    async function ofBatch(): Promise<number> {
      if (values.wait) for await (const _ of client.watchBatch(id as string));
      const batch = await client.batch(id as string);
      if (!values.json) return tellBatch(batch);
      process.stdout.write(`${JSON.stringify(batch, undefined, 2)}\n`);
      return batch.counts.succeeded === batch.total ? 0 : 1;
    }
  },
});
