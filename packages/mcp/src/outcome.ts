/** How a job ended, in a sentence for a model. */
import type { Job } from '@runlane/client';

type Result = NonNullable<Job['result']>;

export function outcome(status: Job['status'], result: Result): string {
  const why = result.message ? ` (${result.message})` : '';
  return `${sentence(status, result)}${why}.`;
}

function sentence(status: Job['status'], result: Result): string {
  switch (status) {
    case 'succeeded':
      return 'The program succeeded with exit code 0';
    case 'failed':
      return result.signal ? `The program was ended by ${result.signal}` : failedWith(result.exitCode);
    case 'timed_out':
      return 'The program took too long and was stopped';
    case 'memory_exceeded':
      return 'The program wanted more memory than it may use and was stopped';
    case 'output_exceeded':
      return 'The program wrote more output than it may and was stopped';
    case 'compile_failed':
      return 'The program did not compile, and was not run';
    case 'cancelled':
      return 'The program was cancelled';
    case 'error':
      return 'Runlane could not run the program; that is not its fault, and trying again may help';
    default:
      return `The program has not ended: it is ${status}`;
  }
}

const failedWith = (exitCode: number | null) =>
  exitCode === null ? 'The program failed' : `The program failed with exit code ${exitCode}`;
