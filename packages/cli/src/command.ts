/** What a subcommand of `runlane` is, and what several of them need. */
import { fileURLToPath } from 'node:url';

/** The languages of this checkout, each a folder. */
export const LANGUAGES_DIR = fileURLToPath(new URL('../../../services/runners/', import.meta.url));

/** A line in the table of `main.ts`. */
export interface Command {
  /** One line for the list of all commands. */
  readonly summary: string;
  /** How it is called, with every option. */
  readonly help: string;
  /** The exit code. @throws UsageError when it was called wrongly. */
  run(args: string[]): Promise<number>;
}

/** The caller's mistake: told with how to call it right, and exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
