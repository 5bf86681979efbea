/** `runlane submit`: hand in a program, or many, and go. */
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import type { NewBatch, NewJob } from '@runlane/client';
import { followBatch, tellBatch } from './batch.js';
import { type Called, command, UsageError } from './command.js';
import { interruptible } from './interrupt.js';
import { PROGRAM_HELP, PROGRAM_OPTIONS, readProgram } from './program.js';
import { clientFor, SERVER_HELP, SERVER_OPTIONS } from './server.js';

const help = `Usage: runlane submit FILE… [options] [-- ARGUMENT…]
       runlane submit --batch JOBS [--follow]

Stores a job, or all jobs of a batch together, and prints the id: \`runlane watch\`, \`result\` and \`cancel\` take it.

${PROGRAM_HELP}
  --batch JOBS          many jobs at once: a file with {"jobs": […]}, a JSON array of jobs, or a job a line; "-" reads it
                        from standard input. A job is what POST /v1/jobs takes.
  --follow              with --batch: show how far it is, to its end
  --json                print the job or batch as JSON
${SERVER_HELP}

Exit code: 0 when it is stored (with --follow: when every job succeeded, else 1), 125 when it is not, 2 when it was called
wrongly.
`;

const options = {
  ...PROGRAM_OPTIONS,
  ...SERVER_OPTIONS,
  batch: { type: 'string' },
  follow: { type: 'boolean' },
  json: { type: 'boolean' },
} as const;

export const submit = command({ summary: 'store a program, or many, to be run', help, options, run: submitProgram });

async function submitProgram(called: Called<typeof options>): Promise<number> {
  const { values, words } = called;
  if (values.batch !== undefined) {
    if (words.length > 0) throw new UsageError('--batch takes no other files');
    return submitBatch(called, values.batch);
  }
  if (values.follow) throw new UsageError('--follow goes with --batch; `runlane run` follows a single program');
  const client = clientFor(values);
  const job = await client.submit(await readProgram(client, called));
  process.stdout.write(values.json ? `${JSON.stringify(job, undefined, 2)}\n` : `${job.id}\n`);
  return 0;
}

async function submitBatch({ values }: Called<typeof options>, file: string): Promise<number> {
  const client = clientFor(values);
  const accepted = await client.submitBatch(await readBatch(file));
  if (!values.follow) {
    process.stdout.write(values.json ? `${JSON.stringify(accepted, undefined, 2)}\n` : `${accepted.id}\n`);
    return 0;
  }
  return interruptible(async (signal) => {
    const batch = await followBatch(client.watchBatch(accepted.id, { signal }));
    if (!values.json) return tellBatch(batch);
    process.stdout.write(`${JSON.stringify(batch, undefined, 2)}\n`);
    return batch.counts.succeeded === batch.total ? 0 : 1;
  });
}

async function readBatch(file: string): Promise<NewBatch> {
  const content = await (file === '-' ? text(process.stdin) : readFile(file, 'utf8')).catch((error) => {
    throw new UsageError(`--batch: ${error.message}`);
  });
  try {
    const whole = asJson(content);
    if (whole !== undefined) return Array.isArray(whole) ? { jobs: whole as NewJob[] } : (whole as NewBatch);
    const lines = content.split('\n').filter((line) => line.trim() !== '');
    return { jobs: lines.map((line) => JSON.parse(line)) };
  } catch (error) {
    throw new UsageError(`--batch: ${file} is neither JSON nor a JSON job a line: ${(error as Error).message}`);
  }
}

/** Undefined where it is no JSON, or one job by itself: then it is a line of several, or of one. */
function asJson(content: string): unknown {
  try {
    const value = JSON.parse(content);
    return Array.isArray(value) || value?.jobs !== undefined ? value : undefined;
  } catch {
    return undefined;
  }
}
