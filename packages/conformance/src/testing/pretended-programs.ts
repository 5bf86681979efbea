/** What the programs of every language do, for a runner that only pretends to run them: a source is a program's name. */
import type { ProgramName } from '../programs.js';
import type { PretendedRun } from './pretended-run.js';

const TICKS = [1, 2, 3, 4, 5];
const CRASHED = 1;

/** Each resolves with its exit code. */
export const PRETENDED_PROGRAMS: Record<ProgramName, (run: PretendedRun) => Promise<number>> = {
  async hello({ write }) {
    write('stdout', 'Hello, World!\n');
    return 0;
  },
  async stdin({ input, write }) {
    for await (const bytes of input) write('stdout', bytes);
    return 0;
  },
  async args({ args, write }) {
    for (const arg of args) write('stdout', `${arg}\n`);
    return 0;
  },
  async env({ env, write }) {
    write('stdout', `${env.GREETING ?? ''}\n`);
    return 0;
  },
  async exit({ write }) {
    write('stderr', 'bye\n');
    return 3;
  },
  async crash({ write }) {
    write('stdout', 'before\n');
    write('stderr', 'uncaught\n');
    return CRASHED;
  },
  async stream({ write, pause }) {
    for (const tick of TICKS) {
      write('stdout', `tick ${tick}\n`);
      await pause(100);
    }
    return 0;
  },
  async spin({ spin }) {
    return spin();
  },
  async flood({ write, pause }) {
    for (;;) {
      write('stdout', `${'x'.repeat(79)}\n`);
      await pause(0);
    }
  },
  async memory({ takeAllMemory }) {
    return takeAllMemory();
  },
  async files({ read, leave }) {
    leave('result.txt', read('data.txt').toString().toUpperCase());
    return 0;
  },
  async broken({ write }) {
    write('stderr', 'syntax error\n');
    return CRASHED;
  },
};
