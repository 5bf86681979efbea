/** `runlane run`: run a program there as if it ran here. */
import { type Called, command, UsageError } from './command.js';
import { follow } from './follow.js';
import { interactively } from './interactive.js';
import { interruptible } from './interrupt.js';
import { OUTCOME_HELP, tellOutcome } from './outcome.js';
import { saveFiles } from './produced-files.js';
import { PROGRAM_HELP, PROGRAM_OPTIONS, readProgram } from './program.js';
import { clientFor, SERVER_HELP, SERVER_OPTIONS } from './server.js';

const help = `Usage: runlane run FILE… [options] [-- ARGUMENT…]

Runs a program and passes on what it writes, as it writes it. The first file is the one that is started; "-" reads it from
standard input. Ctrl-C cancels it.

${PROGRAM_HELP}
  -i, --interactive     what is typed here goes to the program as it runs
  -t, --terminal        with -i: run it in a terminal of this one's size
  --out FOLDER          save the files that it leaves there
  --json                print the finished job as one JSON document, instead of its output
${SERVER_HELP}

${OUTCOME_HELP}`;

const options = {
  ...PROGRAM_OPTIONS,
  ...SERVER_OPTIONS,
  interactive: { type: 'boolean', short: 'i' },
  terminal: { type: 'boolean', short: 't' },
  out: { type: 'string' },
  json: { type: 'boolean' },
} as const;

export const run = command({ summary: 'run a program, and end as it ends', help, options, run: runProgram });

function runProgram(called: Called<typeof options>): Promise<number> {
  const { values } = called;
  if (values.terminal && !values.interactive) throw new UsageError('--terminal goes with --interactive');
  if (values.interactive && values.json) throw new UsageError('--json does not go with --interactive');
  const client = clientFor(values);
  return interruptible(async (signal) => {
    const program = await readProgram(client, called);
    if (values.json) {
      const job = await client.execute(program, { signal });
      process.stdout.write(`${JSON.stringify(job, undefined, 2)}\n`);
      return tellOutcome(job);
    }
    const events = values.interactive
      ? await interactively(client, program, { terminal: values.terminal ?? false, signal })
      : client.run(program, { signal });
    const job = await follow(events);
    await saveFiles(client, job, values.out);
    return tellOutcome(job);
  });
}
