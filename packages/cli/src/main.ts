/** The command line: `runlane <command>`. Each command is a file of its own and a line in this table. */
import { RunlaneError } from '@runlane/client';
import { bench } from './bench.js';
import { cancel } from './cancel.js';
import { type Command, splitAtDashes, UsageError } from './command.js';
import { createCompletion } from './completion.js';
import { conformance } from './conformance.js';
import { keys } from './keys.js';
import { languages } from './languages.js';
import { mcp } from './mcp.js';
import { result } from './result.js';
import { run } from './run.js';
import { explain, NOT_DONE } from './server.js';
import { submit } from './submit.js';
import { VERSION } from './version.js';
import { watch } from './watch.js';

const COMMANDS: ReadonlyMap<string, Command> = new Map([
  ['run', run],
  ['submit', submit],
  ['watch', watch],
  ['result', result],
  ['cancel', cancel],
  ['languages', languages],
  ['keys', keys],
  ['mcp', mcp],
  ['bench', bench],
  ['conformance', conformance],
  ['completion', createCompletion(() => COMMANDS)],
]);

const WRONG_USAGE = 2;
const VERSION_WORDS = new Set(['version', '--version', '-V']);
const HELP = new Set(['help', '--help', '-h']);

function usage(): string {
  const lines = [...COMMANDS].map(([name, { summary }]) => `  ${name.padEnd(14)}${summary}`);
  return `Usage: runlane <command> [options]\n\n${lines.join('\n')}\n\nrunlane <command> --help tells of its options.\n`;
}

/** How it is called, without its options. */
const firstParagraph = (help: string) => `${help.split('\n\n')[0]}\n`;

async function main([name, ...args]: string[]): Promise<number> {
  if (name !== undefined && HELP.has(name)) {
    process.stdout.write(usage());
    return 0;
  }
  if (name !== undefined && VERSION_WORDS.has(name)) {
    process.stdout.write(`runlane ${VERSION}\n`);
    return 0;
  }
  const command = name === undefined ? undefined : COMMANDS.get(name);
  if (!command) {
    process.stderr.write(`${name === undefined ? '' : `runlane: there is no command "${name}"\n\n`}${usage()}`);
    return WRONG_USAGE;
  }
  if (splitAtDashes(args)[0].some((arg) => arg === '--help' || arg === '-h')) {
    process.stdout.write(command.help);
    return 0;
  }
  try {
    return await command.call(args);
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(
        `runlane ${name}: ${error.message}\n\n${firstParagraph(command.help)}\n\`runlane ${name} --help\` tells more.\n`,
      );
      return WRONG_USAGE;
    }
    if (!(error instanceof RunlaneError)) throw error;
    process.stderr.write(`runlane ${name}: ${explain(error)}\n`);
    return NOT_DONE;
  }
}

// A reader that has enough, such as `head`, is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});
// Not process.exit: what was written to a pipe would be lost.
process.exitCode = await main(process.argv.slice(2));
