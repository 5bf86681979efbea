/** A program that takes ever more memory is ended, and its runner is not. */
import { runner } from '@runlane/contract';
import type { LanguageCheck } from '../check.js';
import { expect } from '../failure.js';
import { endOf } from '../outcome.js';
import { timeEnough } from './time-enough.js';

export const memoryLimit: LanguageCheck = {
  name: 'memory limit',
  needs: ['memory'],
  async run({ run, language, note }) {
    // Runtimes that collect garbage come slowly to their end.
    const limits = { ...timeEnough(language), memoryBytes: language.defaultLimits?.memoryBytes };
    const { exited } = await run('memory', { limits });
    if (exited.reason === runner.EndReason.MEMORY) return;
    // No program ends itself by SIGKILL: that is a limit whose runner does not say so.
    const byItself = exited.exitCode !== 0 && exited.signal !== 'SIGKILL';
    const gaveUp = exited.reason === runner.EndReason.EXITED && byItself;
    expect(gaveUp, `it ended with ${endOf(exited)} where MEMORY must be`);
    note(`the language gave up by itself: ${endOf(exited)}`);
  },
};
