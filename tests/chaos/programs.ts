/** What is submitted, and how each must end: jobs that are over at once, that outlast a lease, that print while they run, that fail. */
import type { Random } from './random.js';

export interface Submission {
  readonly number: number;
  readonly code: string;
  readonly status: 'succeeded' | 'failed';
  /** Its output must match. What the run adds by chance tells one run's result from another's. */
  readonly stdout: RegExp;
}

const NONCE = 'os.urandom(8).hex()';

export function createSubmission(number: number, random: Random): Submission {
  const kind = random.next();
  const first = `import os, sys, time\nprint(${number}, ${NONCE}, flush=True)\n`;
  const line = `${number} [0-9a-f]{16}\n`;
  const of = (code: string, stdout: string, status: Submission['status'] = 'succeeded'): Submission => ({
    number,
    code: first + code,
    status,
    stdout: new RegExp(`^${line}${stdout}$`),
  });
  if (kind < 0.55) return of('', '');
  if (kind < 0.7) return of('time.sleep(0.3)\nprint("end")', 'end\n');
  if (kind < 0.85) return of('for n in range(5):\n    print(n, flush=True)\n    time.sleep(0.1)', '0\n1\n2\n3\n4\n');
  if (kind < 0.92) return of('time.sleep(2.5)\nprint("end")', 'end\n');
  return of('sys.exit(3)', '', 'failed');
}
