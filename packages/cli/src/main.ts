/** The command line: `runlane <command>`. Each command is a file of its own and a line in this table. */
import { type Command, UsageError } from './command.js';
import { conformance } from './conformance.js';
import { languages } from './languages.js';

const COMMANDS: ReadonlyMap<string, Command> = new Map([
  ['conformance', conformance],
  ['languages', languages],
]);

const WRONG_USAGE = 2;
const HELP = new Set(['help', '--help', '-h']);

function usage(): string {
  const lines = [...COMMANDS].map(([name, { summary }]) => `  ${name.padEnd(14)}${summary}`);
  return `Usage: runlane <command> [options]\n\n${lines.join('\n')}\n\nrunlane <command> --help tells of its options.\n`;
}

async function main([name, ...args]: string[]): Promise<number> {
  if (name !== undefined && HELP.has(name)) {
    process.stdout.write(usage());
    return 0;
  }
  const command = name === undefined ? undefined : COMMANDS.get(name);
  if (!command) {
    process.stderr.write(`${name === undefined ? '' : `runlane: there is no command "${name}"\n\n`}${usage()}`);
    return WRONG_USAGE;
  }
  if (args.some((arg) => arg === '--help' || arg === '-h')) {
    process.stdout.write(command.help);
    return 0;
  }
  try {
    return await command.run(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`runlane ${name}: ${error.message}\n\n${command.help}`);
    return WRONG_USAGE;
  }
}

// Not process.exit: what was written to a pipe would be lost.
process.exitCode = await main(process.argv.slice(2));
