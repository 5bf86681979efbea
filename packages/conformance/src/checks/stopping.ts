/** A program that runs for ever is ended from outside: by a signal, or by its caller's leaving. */
import { setTimeout as sleep } from 'node:timers/promises';
import { runner } from '@runlane/contract';
import type { LanguageCheck, LanguageSubject } from '../check.js';
import { expect } from '../failure.js';
import { freeSlots, slotsComeBack } from '../free-slots.js';
import { endOf, type Outcome, outcomeOf } from '../outcome.js';

/** How long a program is left alone first: a signal in the middle of its beginning would tell something else. */
const UNDER_WAY_MS = 300;
const CANCELLED_WITHIN_MS = 1_000;
/** A shell's way to say that a signal ended a program; some runtimes end themselves so. */
const SIGTERM_EXIT_CODE = 128 + 15;

export const sigterm: LanguageCheck = {
  name: 'SIGTERM',
  needs: ['spin'],
  async run(subject) {
    const { exited } = await signalled(subject, 'SIGTERM');
    expect(exited.reason === runner.EndReason.EXITED, `it ended with ${endOf(exited)}`);
    if (exited.signal === 'SIGTERM') return;
    expect(exited.exitCode === SIGTERM_EXIT_CODE, `it ended with ${endOf(exited)} where signal SIGTERM must be`);
    subject.note(`the language answers it by exit code ${SIGTERM_EXIT_CODE}`);
  },
};

export const sigkill: LanguageCheck = {
  name: 'SIGKILL',
  needs: ['spin'],
  async run(subject) {
    const { exited } = await signalled(subject, 'SIGKILL');
    const asWanted = exited.reason === runner.EndReason.EXITED && exited.signal === 'SIGKILL';
    expect(asWanted, `it ended with ${endOf(exited)} where signal SIGKILL must be`);
  },
};

async function signalled({ begin }: LanguageSubject, name: string): Promise<Outcome> {
  const conversation = await begin('spin');
  await sleep(UNDER_WAY_MS);
  conversation.send({ $case: 'signal', value: { name } });
  return outcomeOf(conversation);
}

export const cancel: LanguageCheck = {
  name: 'cancel',
  needs: ['spin'],
  async run({ client, begin, note }) {
    const before = await freeSlots(client);
    const conversation = await begin('spin');
    await sleep(UNDER_WAY_MS);
    const during = await freeSlots(client);
    expect(during === before - 1, `free_slots is ${during} while a program runs, and was ${before} before`);
    conversation.cancel();
    note(`slot free after ${await slotsComeBack(client, before, CANCELLED_WITHIN_MS)} ms`);
  },
};
